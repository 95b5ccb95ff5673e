/* Where the visitor writes. Enter sends, Shift+Enter begins a line; what is too long cannot be sent. While an answer is
   written a button ends it, in the place of a send button that has nothing to send. */
const MAX_MESSAGE_BYTES = 8192;
const COUNTER_FROM = 7168;
const STOP_DELAY = 250; // no button that is gone before it is seen
const UTF8 = new TextEncoder();

class Composer {
  #onSend;
  #offering = 0;

  constructor(agentName, onSend, onStop) {
    this.#onSend = onSend;
    this.counter = make("span", { class: "counter", hidden: true });
    this.field = make("textarea", {
      rows: "1",
      dir: "auto",
      enterkeyhint: "send",
      placeholder: "Write a message…",
      "aria-label": `Message to ${agentName}`,
    });
    this.button = iconButton("send", "Send message", "send");
    this.button.type = "submit";
    this.stopButton = iconButton("stop", "Stop answer", "stop");
    this.stopButton.hidden = true;
    this.stopButton.addEventListener("click", onStop);
    this.element = make("form", { class: "composer" }, this.field, this.stopButton, this.button);
    this.field.addEventListener("input", () => this.#changed());
    this.field.addEventListener("keydown", (event) => this.#pressed(event));
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#changed();
  }

  /* Fits the field to its text; while it is not drawn it has no height to measure. */
  fit() {
    this.field.style.height = "auto";
    if (this.field.scrollHeight) this.field.style.height = `${this.field.scrollHeight}px`;
  }

  clear() {
    this.field.value = "";
    this.#changed();
  }

  /* Offers to stop the answer that is being written, or no longer; `isAsked`: it has been asked to stop. */
  offerStop(isOffered, isAsked) {
    this.stopButton.setAttribute("aria-disabled", String(isAsked));
    if (isOffered === Boolean(this.#offering)) return;
    clearTimeout(this.#offering);
    this.#offering = isOffered ? setTimeout(() => this.#showStop(true), STOP_DELAY) : 0;
    if (!isOffered) this.#showStop(false);
  }

  /* A button that goes must not take the focus with it; in the field it would bring up a touch screen's keyboard. */
  #showStop(isShown) {
    const next = TOUCH.matches ? this.element.closest(".panel") : this.field;
    if (!isShown && this.stopButton.matches(":focus")) next.focus({ preventScroll: true });
    this.stopButton.hidden = !isShown;
    this.element.classList.toggle("is-answering", isShown);
  }

  /* While an input method composes, Enter chooses a word. */
  #pressed(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#send();
  }

  #send() {
    if (this.button.disabled) return;
    const text = this.field.value.trim();
    this.clear();
    this.#onSend(text);
  }

  #changed() {
    const left = MAX_MESSAGE_BYTES - UTF8.encode(this.field.value.trim()).length;
    this.button.disabled = left < 0 || !this.field.value.trim();
    this.counter.hidden = left > MAX_MESSAGE_BYTES - COUNTER_FROM;
    this.counter.textContent = left < 0 ? `${-left} too many` : `${left} left`;
    this.counter.classList.toggle("is-over", left < 0);
    this.field.setAttribute("aria-invalid", String(left < 0));
    this.fit();
  }
}
