/* The exchanges under way, in the order in which they are answered. The server is given each as soon as it holds those
   before it, so that a closed tab loses none; only the first is listened to: a browser has six connections to a host. */
class Line {
  #exchanges = [];
  #hear;
  #hand;
  #on;
  #reading = new AbortController();
  #isListening = false;
  #isHanding = false;

  /* `hear(exchange, signal)` resolves with the whole answer, `hand(exchange)` with whether the server has the message.
     `on`: `answered(exchange, answer)`, `failed(exchange, error)`, `moved()` when the first in line is another. */
  constructor({ hear, hand, on }) {
    this.#hear = hear;
    this.#hand = hand;
    this.#on = on;
  }

  get exchanges() {
    return [...this.#exchanges];
  }

  get first() {
    return this.#exchanges[0];
  }

  has(id) {
    return this.#exchanges.some((exchange) => exchange.id === id);
  }

  add(exchange) {
    exchange.queue();
    this.#exchanges.push(exchange);
    this.#listen();
    this.handOver();
  }

  /* Takes out what has been answered meanwhile. */
  drop(exchange) {
    const { first } = this;
    this.#exchanges = this.#exchanges.filter((other) => other !== exchange);
    if (exchange === first) this.#reading.abort();
  }

  /* Puts those that the server holds, whose ids these are, in its order, before those that it does not. */
  arrange(ids) {
    const { first } = this;
    const rank = ({ id }) => (ids.includes(id) ? ids.indexOf(id) : ids.length);
    this.#exchanges.sort((one, other) => rank(one) - rank(other));
    if (first !== this.first) {
      first.queue();
      this.#reading.abort();
    }
    this.handOver();
  }

  leave() {
    this.#exchanges = [];
    this.#reading.abort();
  }

  /* What is refused here waits until it is first in line, and so does all behind it. */
  async handOver() {
    if (this.#isHanding) return;
    this.#isHanding = true;
    for (let next = this.#nextToHand(); next; next = this.#nextToHand()) {
      next.isRefused = !(await this.#hand(next));
    }
    this.#isHanding = false;
  }

  #nextToHand() {
    const at = this.#exchanges.findIndex((exchange) => !exchange.isHeld);
    return at > 0 && !this.#exchanges[at].isRefused ? this.#exchanges[at] : null;
  }

  async #listen() {
    if (this.#isListening) return;
    this.#isListening = true;
    while (this.first) await this.#listenTo(this.first);
    this.#isListening = false;
    this.#on.moved();
  }

  async #listenTo(exchange) {
    this.#reading = new AbortController();
    const { signal } = this.#reading;
    exchange.begin();
    this.#on.moved();
    const hearing = withRetries(() => this.#hear(exchange, signal), { signal, progress: () => exchange.eventId });
    const end = await hearing.then(
      (answer) => () => this.#on.answered(exchange, answer),
      (error) => () => this.#on.failed(exchange, error),
    );
    if (signal.aborted) return; // put back, taken out, or all of the line is left
    this.drop(exchange);
    end();
  }
}
