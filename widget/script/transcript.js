/* The list of messages: bubbles, the answer as it comes, days, and where the visitor has scrolled to. */
const NEAR_BOTTOM = 48;
const NEAR_TOP = 120;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

/* One bubble. The visitor's own text is shown as it is; the agent's goes through renderText. */
class Message {
  constructor(role, agentName, at = new Date().toISOString()) {
    this.role = role;
    this.at = new Date(at);
    const speaker = role === "user" ? "You" : agentName;
    this.bubble = make("div", { class: "bubble", dir: "auto" });
    this.day = make("div", { class: "day", hidden: true });
    this.time = make("time", { datetime: this.at.toISOString() }, CLOCK.format(this.at));
    const face = role === "user" ? [] : [make("span", { class: "face", "aria-hidden": "true" }, icon("spark", true))];
    const row = make("div", { class: "row" }, ...face, spoken(`${speaker}: `), this.bubble, this.time);
    this.element = make("div", { class: `message from-${role}` }, this.day, row);
    // A mouse shows the time by hovering, a finger by a tap.
    this.bubble.addEventListener("click", () => row.classList.toggle("shows-time"));
  }

  say(text) {
    this.bubble.replaceChildren(this.role === "user" ? text : renderText(text));
  }

  showTyping() {
    const dots = make("span", { class: "typing", "aria-hidden": "true" }, make("i"), make("i"), make("i"));
    this.bubble.replaceChildren(dots, spoken("is writing"));
  }

  /* Shows the day above this message where it is another than the one before. */
  follow(previous) {
    const label = dayLabel(this.at);
    this.day.hidden = previous ? dayLabel(previous.at) === label : label === "Today";
    this.day.textContent = label;
  }
}

/* Lets text that comes in bursts appear evenly, one frame at a time. */
class Writing {
  #message;
  #written;
  #text = "";
  #shown = 0;
  #frame = 0;

  /* `written()` is called after each change of the bubble. */
  constructor(message, written) {
    this.#message = message;
    this.#written = written;
  }

  add(delta) {
    this.#text += delta;
    this.#message.element.classList.add("is-writing");
    if (calm.matches || document.hidden) this.#show(this.#text.length);
    else this.#frame ||= requestAnimationFrame(() => this.#next());
  }

  /* Takes everything back, for an answer that begins anew. */
  clear() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#text = "";
    this.#shown = 0;
    this.#message.element.classList.remove("is-writing");
  }

  #next() {
    this.#frame = 0;
    const behind = this.#text.length - this.#shown;
    this.#show(this.#shown + Math.max(1, Math.ceil(behind / 6)));
    if (this.#shown < this.#text.length) this.#frame = requestAnimationFrame(() => this.#next());
  }

  #show(length) {
    const cutsPair = /[\uD800-\uDBFF]/.test(this.#text[length - 1] ?? "") && length < this.#text.length;
    this.#shown = Math.min(this.#text.length, cutsPair ? length + 1 : length);
    this.#message.say(closeBold(this.#text.slice(0, this.#shown)));
    this.#written();
  }
}

/* Closes the bold that the last line has opened so far, so that its stars do not flicker while the rest is coming. */
function closeBold(text) {
  const whole = text.replace(/(?<!\*)\*$/, "");
  const isOpen = whole.slice(whole.lastIndexOf("\n") + 1).split("**").length % 2 === 0;
  if (!isOpen) return text;
  return whole.endsWith("**") ? whole.slice(0, -2) : `${whole}**`;
}

/* A message on its way and the answer to it. `id` stays the same however often it is sent. */
class Exchange {
  #transcript;
  #writing;

  constructor(transcript, id, text, agentName) {
    this.id = id;
    this.text = text;
    this.question = new Message("user", agentName);
    this.answer = new Message("assistant", agentName);
    this.question.say(text);
    this.#transcript = transcript;
    this.#writing = new Writing(this.answer, () => transcript.grew());
    this.restart();
  }

  get elements() {
    return [this.question.element, this.answer.element];
  }

  /* Back to waiting for the first word. */
  restart() {
    this.#writing.clear();
    this.#setState("is-pending");
    this.answer.showTyping();
  }

  started() {
    this.#setState("is-running");
  }

  said(delta) {
    this.#writing.add(delta);
  }

  finish(record) {
    this.#writing.clear();
    this.#setState("is-settled");
    this.answer.say(record.content);
    this.#transcript.grew();
  }

  /* Shows what went wrong in place of the answer, with a button where trying again can help. */
  fail(sentence, tryAgain) {
    this.#writing.clear();
    this.#setState("is-failed");
    const button = make("button", { type: "button", class: "again" }, "Try again");
    button.addEventListener("click", tryAgain, { once: true });
    const said = make("span", {}, icon("alert"), sentence);
    this.answer.bubble.replaceChildren(said, ...(tryAgain ? [button] : []));
    this.#transcript.grew();
  }

  #setState(state) {
    for (const element of this.elements) {
      element.classList.remove("is-pending", "is-running", "is-failed", "is-settled");
      element.classList.add(state);
    }
  }
}

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

  /* Shows the stored messages `records`, oldest first, above those on their way; keeps the nodes it already has.
     `isWhole`: nothing older exists. */
  sync(records, isWhole) {
    const before = this.#messages;
    this.#messages = new Map(records.map((record) => [record.id, before.get(record.id) ?? this.#stored(record)]));
    for (const [id, message] of before) if (!this.#messages.has(id)) message.element.remove();
    let at = this.#list.firstChild;
    for (const { element } of this.#messages.values()) {
      if (element === at) at = at.nextSibling;
      else this.#list.insertBefore(element, at);
    }
    this.greeting.hidden = !isWhole;
    this.#arranged();
  }

  #stored(record) {
    const message = new Message(record.role, this.#agentName, record.at);
    message.element.classList.add("is-settled");
    message.say(record.content);
    return message;
  }

  begin(id, text) {
    const exchange = new Exchange(this, id, text, this.#agentName);
    this.#live.push(exchange);
    this.#list.append(...exchange.elements);
    for (const element of exchange.elements) element.classList.add("is-new");
    this.#arranged();
    this.toBottom();
    return exchange;
  }

  /* From now on the exchange belongs to the stored messages, under these ids. */
  settle(exchange, [question, answer]) {
    this.#live = this.#live.filter((other) => other !== exchange);
    this.#messages.set(question.id, exchange.question);
    this.#messages.set(answer.id, exchange.answer);
    this.#arranged();
  }

  /* Takes away an exchange that failed here but was stored all the same. */
  discard(exchange) {
    this.#live = this.#live.filter((other) => other !== exchange);
    for (const element of exchange.elements) element.remove();
  }

  get live() {
    return [...this.#live];
  }

  clear() {
    this.#messages.clear();
    this.#live = [];
    this.#list.replaceChildren();
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

  toBottom() {
    this.#follows = true;
    this.pill.hidden = true;
    this.element.scrollTop = this.element.scrollHeight;
  }

  #arranged() {
    const messages = [...this.#messages.values(), ...this.#live.flatMap(({ question, answer }) => [question, answer])];
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

function dayLabel(date) {
  const midnight = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate());
  const days = Math.round((midnight(new Date()) - midnight(date)) / 86_400_000);
  return days === 0 ? "Today" : days === 1 ? "Yesterday" : DAY.format(date);
}
