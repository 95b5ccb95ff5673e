/* The launcher and the dialog, in a shadow tree of their own: neither the page's styles nor ours cross its border. */
const SMALL_SCREEN = matchMedia("(max-width: 480px), (max-height: 440px)");
const DARK = matchMedia("(prefers-color-scheme: dark)");
const FOCUSABLE = 'button:not(:disabled), textarea, a[href], [tabindex="0"]';

class Panel {
  #look;
  #composer;
  #transcript;
  #returnFocusTo = null;
  #pageOverflow = "";
  #announcing;
  #unread = 0;
  #isHolding = false;
  #confirmation;
  #covered;

  /* `on`: `open()`, `close()`, `restart()`, `download()`, `erase()`, and `hasConversation()`. */
  constructor({ config, look, transcript, composer, on }) {
    this.#look = look;
    this.#composer = composer;
    this.#transcript = transcript;
    this.on = on;
    this.host = document.createElement("parlour-widget");
    this.#buildLauncher(look);
    this.#buildDialog(config);
    this.status = make("div", { class: "spoken", role: "status" });
    this.root = make("div", { class: "root", dir: "ltr" }, this.dialog, this.launcher, this.status);
    this.#attach();
    this.#listen();
    this.#drawLook();
    this.#fitScreen();
  }

  get isOpen() {
    return this.root.classList.contains("is-open");
  }

  open() {
    if (this.isOpen) return;
    const shadow = this.host.shadowRoot;
    this.#returnFocusTo = shadow.activeElement ?? document.activeElement;
    this.root.classList.add("is-open");
    this.dialog.inert = false;
    this.unread(0);
    this.#fitScreen();
    this.#composer.fit();
    this.#transcript.toBottom();
    // On a touch screen the keyboard would cover the greeting at once.
    (TOUCH.matches ? this.dialog : this.#composer.field).focus({ preventScroll: true });
    this.on.open();
  }

  close() {
    if (!this.isOpen) return;
    this.#toggleMenu(false);
    this.#confirmation.close();
    const hadFocus = Boolean(this.host.shadowRoot.activeElement);
    this.root.classList.remove("is-open");
    this.#fitScreen();
    if (hadFocus) this.#giveFocusBack();
    this.dialog.inert = true;
    this.on.close();
  }

  toggle() {
    if (this.isOpen) this.close();
    else this.open();
  }

  showLauncher(isShown) {
    this.root.classList.toggle("has-no-launcher", !isShown);
  }

  /* Says that the answers come from the demo model. */
  markDemo() {
    this.demo.hidden = false;
  }

  unread(count) {
    this.#unread = count;
    this.badge.hidden = count === 0;
    this.badge.textContent = count > 9 ? "9+" : String(count);
    this.#nameLauncher();
  }

  /* Reads a finished answer to those who do not see it, then leaves no second copy behind. */
  announce(text) {
    clearTimeout(this.#announcing);
    this.status.textContent = text;
    this.#announcing = setTimeout(() => this.status.replaceChildren(), 10_000);
  }

  #attach() {
    const shadow = this.host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(this.root);
    document.body.append(this.host);
    // In the top layer no transform, filter or opacity of the page's own elements reaches the widget.
    this.host.popover = "manual";
    this.host.showPopover?.();
  }

  #buildLauncher(look) {
    this.badge = make("span", { class: "badge", hidden: true });
    const label = look.launcher_label ? [make("span", { class: "label" }, look.launcher_label)] : [];
    const faces = make("span", { class: "faces" }, icon("chat", true), icon("down"));
    const attributes = { type: "button", class: "launcher", "aria-haspopup": "dialog" };
    this.launcher = make("button", attributes, faces, ...label, this.badge);
    this.launcher.addEventListener("click", () => this.toggle());
  }

  #buildDialog(config) {
    const title = make("h2", { id: "title", dir: "auto" }, config.agent_name);
    const site = make("p", { dir: "auto" }, config.website_title);
    const explained = "A built-in demo model answers here";
    this.demo = make("span", { class: "demo", title: explained, hidden: !config.demo }, "Demo");
    const face = make("span", { class: "portrait", "aria-hidden": "true" }, icon("spark", true));
    const names = make("div", { class: "names" }, make("div", { class: "name" }, title, this.demo), site);
    const header = make("header", {}, face, names, this.#buildMenu(), this.#buildClose());
    const stage = make("div", { class: "stage" }, this.#transcript.element, this.#transcript.pill);
    const note = make("p", { class: "note" }, "An AI answers here. It can be wrong.", this.#composer.counter);
    const footer = make("footer", {}, this.#composer.element, note);
    const attributes = { class: "panel", role: "dialog", "aria-labelledby": "title", tabindex: "-1", inert: true };
    this.#confirmation = new Confirmation(() => this.on.erase());
    this.#covered = [header, stage, footer];
    this.dialog = make("section", attributes, ...this.#covered, this.#confirmation.element);
  }

  #buildClose() {
    const button = iconButton("close", "Close chat", "quiet");
    button.addEventListener("click", () => this.close());
    return button;
  }

  #buildMenu() {
    this.more = iconButton("more", "More", "quiet");
    this.more.setAttribute("aria-haspopup", "menu");
    this.more.setAttribute("aria-expanded", "false");
    const items = [
      this.#menuItem("restart", "Start new conversation", this.#composer.field, () => this.on.restart()),
      this.#menuItem("save", "Download conversation", this.more, () => this.on.download()),
      this.#menuItem("erase", "Delete my conversation", this.more, () => this.#confirmation.show(this.#covered, this.more)),
    ];
    this.menu = make("div", { class: "menu", role: "menu", hidden: true }, ...items);
    this.more.addEventListener("click", () => this.#toggleMenu(this.menu.hidden));
    return make("div", { class: "more" }, this.more, this.menu);
  }

  #menuItem(name, text, next, run) {
    const item = make("button", { type: "button", role: "menuitem" }, icon(name), text);
    item.addEventListener("click", () => {
      this.#toggleMenu(false);
      next.focus();
      run();
    });
    return item;
  }

  #toggleMenu(isShown) {
    this.menu.hidden = !isShown;
    this.more.setAttribute("aria-expanded", String(isShown));
    const [first, ...aboutOne] = this.menu.children;
    for (const item of aboutOne) item.disabled = !this.on.hasConversation();
    if (isShown) first.focus();
  }

  /* The arrow keys go around in the menu. */
  #moveInMenu(event, step) {
    const items = [...this.menu.querySelectorAll("button:enabled")];
    const at = items.indexOf(this.host.shadowRoot.activeElement);
    items.at((at + step) % items.length).focus();
    event.preventDefault();
  }

  #listen() {
    this.root.addEventListener("keydown", (event) => this.#pressed(event));
    // The page's own shortcuts must not fire while a visitor types.
    for (const type of ["keydown", "keypress", "keyup"]) {
      this.root.addEventListener(type, (event) => event.stopPropagation());
    }
    this.root.addEventListener("pointerdown", (event) => {
      if (!event.composedPath().includes(this.more.parentElement)) this.#toggleMenu(false);
    });
    DARK.addEventListener("change", () => this.#drawLook());
    SMALL_SCREEN.addEventListener("change", () => this.#fitScreen());
    for (const type of ["resize", "scroll"]) visualViewport?.addEventListener(type, () => this.#fitScreen());
  }

  #pressed(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !this.menu.hidden) this.#moveInMenu(event, step);
    if (event.key === "Escape" && this.isOpen) {
      if (this.#confirmation.isShown) this.#confirmation.close();
      else if (this.menu.hidden) this.close();
      else {
        this.#toggleMenu(false);
        this.more.focus();
      }
    }
    if (event.key === "Tab" && this.isOpen) this.#keepFocusInside(event);
  }

  #keepFocusInside(event) {
    const within = this.#confirmation.isShown ? this.#confirmation.element : this.dialog;
    const stops = [...within.querySelectorAll(FOCUSABLE)].filter((element) => element.checkVisibility());
    const active = this.host.shadowRoot.activeElement;
    const [edge, other] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
    if (active !== edge && stops.includes(active)) return;
    if (!event.shiftKey && active === this.dialog) return;
    event.preventDefault();
    other.focus();
  }

  #giveFocusBack() {
    const origin = this.#returnFocusTo;
    const target = origin?.isConnected && origin !== document.body ? origin : this.launcher;
    target.focus({ preventScroll: true });
  }

  #nameLauncher() {
    const name = this.isOpen ? "Close chat" : this.#unread ? `Open chat, ${this.#unread} unread` : "Open chat";
    this.launcher.setAttribute("aria-label", name);
    this.launcher.setAttribute("aria-expanded", String(this.isOpen));
  }

  #drawLook() {
    const wanted = this.#look.theme;
    const theme = wanted === "light" || wanted === "dark" ? wanted : DARK.matches ? "dark" : "light";
    this.root.classList.toggle("is-dark", theme === "dark");
    this.root.classList.toggle("is-left", this.#look.position === "left");
    for (const [name, value] of Object.entries(accentColours(this.#look.accent, theme))) {
      this.root.style.setProperty(name, value);
    }
  }

  /* On a small screen the dialog covers what is visible of the page: all of it, or what the keyboard leaves. */
  #fitScreen() {
    const covers = SMALL_SCREEN.matches;
    const { height, offsetTop, scale } = visualViewport ?? { height: innerHeight, offsetTop: 0, scale: 1 };
    this.root.classList.toggle("is-full", covers);
    if (scale === 1) {
      this.root.style.setProperty("--screen-height", `${height}px`);
      this.root.style.setProperty("--screen-top", `${offsetTop}px`);
    }
    this.dialog.setAttribute("aria-modal", String(covers));
    this.#holdPage(covers && this.isOpen);
    this.#nameLauncher();
  }

  /* Keeps the page behind a full-screen dialog from scrolling along. */
  #holdPage(isHeld) {
    if (isHeld === this.#isHolding) return;
    const { style } = document.documentElement;
    if (isHeld) this.#pageOverflow = style.overflow;
    style.overflow = isHeld ? "hidden" : this.#pageOverflow;
    this.#isHolding = isHeld;
  }
}
