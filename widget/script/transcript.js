/* The list of messages: what is stored, what is on its way, days, and where the visitor has scrolled to. */
const NEAR_BOTTOM = 48;
const NEAR_TOP = 120;

class Transcript {
  #agentName;
  #messages = new Map();
  #live = [];
  #follows = true;
  #list = make("div", { class: "list" });
  #notice = make("div", { class: "notice", hidden: true });

  /* `onStarter(text)` hears a chosen suggestion, `onNearTop()` that older messages are wanted. */
  constructor({ agentName, welcome, starters, onStarter, onNearTop }) {
    this.#agentName = agentName;
    this.greeting = this.#greet(welcome, starters, onStarter);
    this.element = make(
      "div",
      { class: "log", role: "log", "aria-live": "off", "aria-label": "Conversation", tabindex: "0" },
      this.#notice,
      this.greeting,
      this.#list,
    );
    this.pill = make("button", { type: "button", class: "pill", hidden: true }, icon("arrowDown"), "New messages");
    this.pill.addEventListener("click", () => this.toBottom());
    this.element.addEventListener("scroll", () => this.#scrolled(onNearTop), { passive: true });
    new ResizeObserver(() => this.#follows && this.toBottom()).observe(this.element);
  }

  #greet(welcome, starters, onStarter) {
    const hello = new Message("assistant", this.#agentName);
    hello.say(welcome);
    const chips = starters.map((text) => {
      const chip = make("button", { type: "button", class: "starter", dir: "auto" }, text);
      chip.addEventListener("click", () => onStarter(text));
      return chip;
    });
    this.starters = make("div", { class: "starters", role: "group", "aria-label": "Suggestions" }, ...chips);
    return make("div", { class: "greeting" }, ...(welcome ? [hello.element] : []), this.starters);
  }

  /* Shows the stored messages `records`, oldest first, then `underWay`; what ended without an answer stays where it was.
     Keeps the nodes it already has. `isWhole`: nothing older exists. */
  sync(records, isWhole, underWay = []) {
    const before = this.#messages;
    this.#messages = new Map(records.map((record) => [record.id, before.get(record.id) ?? this.#stored(record)]));
    const ended = this.#live.filter(({ anchor }) => anchor !== undefined);
    this.#live = [...ended, ...underWay];
    const orphans = ended.filter(({ anchor }) => !this.#messages.has(anchor));
    const stored = [...this.#messages].flatMap(([id, message]) => [
      message,
      ...ended.filter(({ anchor }) => anchor === id).flatMap(({ messages }) => messages),
    ]);
    const [first, last] = [orphans, underWay].map((some) => some.flatMap(({ messages }) => messages));
    this.#arrange([...first, ...stored, ...last]);
    this.greeting.hidden = !isWhole;
  }

  #stored(record) {
    const message = new Message(record.role, this.#agentName, record.at);
    message.element.classList.add("is-settled");
    message.show(record);
    return message;
  }

  /* An exchange that is not shown yet; the next `sync` places it. */
  begin(message) {
    const exchange = new Exchange(this, message, this.#agentName);
    for (const element of exchange.elements) element.classList.add("is-new");
    if (message.isOwn) this.#follows = true;
    return exchange;
  }

  /* From now on the exchange belongs to the stored messages, under these ids. */
  settle(exchange, [question, answer]) {
    this.#live = this.#live.filter((other) => other !== exchange);
    this.#messages.set(question.id, exchange.question);
    this.#messages.set(answer.id, exchange.answer);
  }

  get live() {
    return [...this.#live];
  }

  clear() {
    this.#messages.clear();
    this.#live = [];
    this.notice(null);
    this.sync([], true);
  }

  /* A line above everything: that messages are loading, or that they could not be, with a way to try again. */
  notice(sentence, tryAgain) {
    const button = make("button", { type: "button", class: "again" }, "Try again");
    if (tryAgain) button.addEventListener("click", tryAgain, { once: true });
    this.#notice.replaceChildren(sentence ?? "", ...(tryAgain ? [button] : []));
    this.#notice.hidden = !sentence;
  }

  /* Runs `change`, which adds messages above, without moving what the visitor is reading. */
  keepPlace(change) {
    const fromEnd = this.element.scrollHeight - this.element.scrollTop;
    change();
    this.element.scrollTop = this.element.scrollHeight - fromEnd;
  }

  grew() {
    if (this.#follows) this.toBottom();
    else this.pill.hidden = false;
  }

  toTop() {
    this.#follows = false;
    this.element.scrollTop = 0;
  }

  toBottom() {
    this.#follows = true;
    this.pill.hidden = true;
    this.element.scrollTop = this.element.scrollHeight;
  }

  #arrange(messages) {
    const wanted = new Set(messages.map(({ element }) => element));
    for (const element of [...this.#list.children]) if (!wanted.has(element)) element.remove();
    let at = this.#list.firstChild;
    for (const element of wanted) {
      if (element === at) at = at.nextSibling;
      else this.#list.insertBefore(element, at);
    }
    messages.forEach((message, index) => message.follow(messages[index - 1]));
    this.starters.hidden = messages.length > 0 || !this.starters.childElementCount;
    if (this.#follows) this.toBottom();
  }

  #scrolled(onNearTop) {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    this.#follows = scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM;
    if (this.#follows) this.pill.hidden = true;
    else if (scrollTop < NEAR_TOP) onNearTop();
  }
}
