/* Asks before what cannot be undone: a sheet over the conversation, which keeps the focus until it is answered. */
class Confirmation {
  #parts = [];
  #run;
  #returnFocusTo = null;

  /* `run()` does what is confirmed; where it rejects, the sheet says so and may be answered again. */
  constructor(run) {
    this.#run = run;
    this.problem = make("p", { class: "problem", role: "alert" });
    this.yes = make("button", { type: "button", class: "yes" }, "Delete");
    this.no = make("button", { type: "button" }, "Keep");
    const question = make("h3", { id: "question" }, "Delete this conversation?");
    const consequence = make("p", { id: "consequence" }, "All its messages are deleted for good. This cannot be undone.");
    const answers = make("div", { class: "answers" }, this.no, this.yes);
    const attributes = { role: "alertdialog", "aria-labelledby": "question", "aria-describedby": "consequence" };
    const sheet = make("div", { class: "sheet", ...attributes }, question, consequence, this.problem, answers);
    this.element = make("div", { class: "confirmation", hidden: true }, sheet);
    this.no.addEventListener("click", () => this.close());
    this.yes.addEventListener("click", () => this.#confirm());
  }

  get isShown() {
    return !this.element.hidden;
  }

  /* `parts` cannot be reached meanwhile; `returnFocusTo` gets the focus afterwards. */
  show(parts, returnFocusTo) {
    this.#parts = parts;
    this.#returnFocusTo = returnFocusTo;
    this.problem.textContent = "";
    this.#toggle(true);
    this.no.focus();
  }

  close() {
    if (!this.isShown || this.yes.disabled) return; // the latter: it is being done
    this.#toggle(false);
    this.#returnFocusTo.focus({ preventScroll: true });
  }

  async #confirm() {
    this.#wait(true);
    try {
      await this.#run();
      this.#wait(false);
      this.close();
    } catch {
      this.#wait(false);
      this.problem.textContent = "It could not be deleted. Please try again.";
      this.yes.focus();
    }
  }

  #wait(isWaiting) {
    this.yes.disabled = this.no.disabled = isWaiting;
    this.yes.textContent = isWaiting ? "Deleting…" : "Delete";
  }

  #toggle(isShown) {
    this.element.hidden = !isShown;
    for (const part of this.#parts) part.inert = isShown;
  }
}
