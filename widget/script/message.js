/* One message as it is drawn: its bubble, its day and time, a quiet mark; and text that appears as if it were written. */
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
    this.note = make("div", { class: "mark", hidden: true });
    this.element = make("div", { class: `message from-${role}` }, this.day, row, this.note);
    // A mouse shows the time by hovering, a finger by a tap.
    this.bubble.addEventListener("click", () => row.classList.toggle("shows-time"));
  }

  show({ content, stopped }) {
    this.say(content);
    this.mark(stopped && "Stopped", "stop");
  }

  say(text) {
    this.bubble.replaceChildren(this.role === "user" ? text : renderText(text));
  }

  /* A word below the bubble about what became of it; none takes it away. */
  mark(word, name) {
    this.note.replaceChildren(...(word ? [icon(name), word] : []));
    this.note.hidden = !word;
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

  /* The text comes again from its beginning: what is shown stays until there is as much of it as before. */
  rewind() {
    this.#text = "";
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

function dayLabel(date) {
  const midnight = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate());
  const days = Math.round((midnight(new Date()) - midnight(date)) / 86_400_000);
  return days === 0 ? "Today" : days === 1 ? "Yesterday" : DAY.format(date);
}
