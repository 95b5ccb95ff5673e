/* A message on its way and the answer to it. `id` stays the same however often it is sent, `isHeld` says that the server
   has it, `eventId` how much of the answer has come. */
const STATES = ["is-queued", "is-pending", "is-running", "is-failed", "is-stopped", "is-settled"];

class Exchange {
  #transcript;
  #writing;
  isHeld = false;
  isRefused = false;
  isStopping = false;
  eventId = "";
  /* The stored message after which it stays once it has ended without an answer; undefined while it is under way. */
  anchor;

  /* `isOwn`: written in this tab. */
  constructor(transcript, { id, text, at, isOwn }, agentName) {
    this.id = id;
    this.text = text;
    this.isOwn = isOwn;
    this.question = new Message("user", agentName, at);
    this.answer = new Message("assistant", agentName);
    this.question.say(text);
    this.#transcript = transcript;
    this.#writing = new Writing(this.answer, () => transcript.grew());
  }

  get messages() {
    return [this.question, this.answer];
  }

  get elements() {
    return this.messages.map((message) => message.element);
  }

  /* Others are answered before it. */
  queue() {
    this.#setState("is-queued", "Waiting", "clock");
    this.anchor = undefined;
  }

  /* It is this one's turn: waits for the first word, or goes on from the last one heard. */
  begin() {
    this.isRefused = false;
    this.anchor = undefined;
    if (!this.eventId) this.answer.showTyping();
    this.#setState(this.isHeld ? "is-running" : "is-pending");
  }

  held() {
    this.isHeld = true;
    if (this.question.element.classList.contains("is-pending")) this.#setState("is-running");
  }

  /* An event of the answer. Where its stream does not begin at the last event heard, the words come again. */
  heard({ type, delta, messages }, id) {
    if (type === "RUN_STARTED" && id !== this.eventId) this.#writing.rewind();
    if (type === "MESSAGES_SNAPSHOT") this.#replace(messages);
    if (type === "TEXT_MESSAGE_CONTENT") this.#writing.add(delta);
    this.eventId = id;
  }

  finish(record) {
    this.#writing.clear();
    this.#setState("is-settled");
    this.answer.show(record);
    this.#transcript.grew();
  }

  /* Stopped before its first word: the visitor's message stays, with a word about why nothing follows. */
  stop(anchor) {
    this.#end("is-stopped", anchor);
    this.question.mark("Stopped", "stop");
  }

  /* Shows what went wrong in place of the answer, with a button where trying again can help. */
  fail(anchor, sentence, tryAgain) {
    this.#end("is-failed", anchor);
    const button = make("button", { type: "button", class: "again" }, "Try again");
    button.addEventListener("click", tryAgain, { once: true });
    const said = make("span", {}, icon("alert"), sentence);
    this.answer.bubble.replaceChildren(said, ...(tryAgain ? [button] : []));
    this.#transcript.grew();
  }

  #end(state, anchor) {
    this.#writing.clear();
    this.eventId = "";
    this.isStopping = false;
    this.anchor = anchor;
    this.#setState(state);
  }

  #replace(messages) {
    const after = messages[messages.findIndex(({ id }) => id === this.id) + 1];
    this.#writing.rewind();
    if (after?.role === "assistant") this.#writing.add(after.content);
  }

  #setState(state, word, name) {
    for (const element of this.elements) {
      element.classList.remove(...STATES);
      element.classList.add(state);
    }
    this.question.mark(word, name);
  }
}
