/* One visitor's conversation: starts it, sends in order, keeps what is shown equal to what the server has stored. */
const REFRESH_INTERVAL = 1_000;
const SENTENCES = {
  network: "No connection. Please check your internet and try again.",
  rate_limited: "That was a lot at once. Please wait a moment and try again.",
  quota_exceeded: "This chat is busy today. Please try again later.",
  overloaded: "Many people are asking right now. Please try again in a moment.",
  turn_in_progress: "The last answer is still on its way. Please try again in a moment.",
  model_timeout: "The answer took too long. Please try again.",
  too_large: "This message is too long to be sent.",
  invalid_request: "This message could not be sent as it is.",
};
const FINAL = new Set(["too_large", "invalid_request", "message_id_reused", "origin_not_allowed", "website_inactive"]);

class Conversation {
  #api;
  #keeper;
  #transcript;
  #channel;
  #records = [];
  #older = null;
  #shown = null;
  #abort = new AbortController();
  #queue = Promise.resolve();
  #underWay = 0;
  #isBehind = false;
  #refreshing = null;
  #refreshedAt = 0;
  #isLoadingOlder = false;

  /* `on`: `message(record)` for each new one, `demo()` when an answer came from the demo model. */
  constructor({ api, keeper, transcript, name, on }) {
    this.#api = api;
    this.#keeper = keeper;
    this.#transcript = transcript;
    this.on = on;
    this.#channel = "BroadcastChannel" in window ? new BroadcastChannel(name) : null;
    this.#channel?.addEventListener("message", () => this.refresh({ isUrgent: true }));
    keeper.watch(() => this.#adopt());
    for (const [target, type] of [[window, "focus"], [document, "visibilitychange"]]) {
      target.addEventListener(type, () => document.hidden || this.refresh());
    }
  }

  /* The visitor opened the chat: shows what was said before, or starts a session at their first visit. */
  async open() {
    this.isOpened = true;
    if (this.#keeper.current) await this.refresh({ isUrgent: true });
    else await this.#startQuietly();
  }

  send(text) {
    this.#enqueue(this.#transcript.begin(newMessageId(), text));
  }

  /* Leaves the conversation for a new one, in all tabs. */
  async restart() {
    this.#keeper.clear();
    this.#forget();
    if (this.isOpened) await this.#startQuietly();
  }

  /* Shows what the server has stored meanwhile, from another tab for one. Not before the chat was opened. */
  async refresh({ isUrgent = false } = {}) {
    if (!this.isOpened || !this.#keeper.current) return;
    this.#isBehind ||= isUrgent && this.#underWay > 0;
    if (this.#underWay) return;
    if (!isUrgent && performance.now() - this.#refreshedAt < REFRESH_INTERVAL) return;
    this.#refreshing ??= this.#load().finally(() => {
      this.#refreshing = null;
    });
    await this.#refreshing;
  }

  async loadOlder() {
    const session = this.#keeper.current;
    if (!this.#older || !session || this.#isLoadingOlder) return;
    this.#isLoadingOlder = true;
    try {
      const page = await this.#api.messages(session, this.#older);
      if (session.id !== this.#shown) return;
      this.#older = page.next;
      this.#records = [...page.messages.reverse(), ...this.#records];
      this.#transcript.keepPlace(() => this.#draw());
    } catch {
      // The visitor scrolls up again, or does not.
    } finally {
      this.#isLoadingOlder = false;
    }
  }

  async #startQuietly() {
    try {
      this.#shown = (await this.#keeper.ensure()).id;
    } catch {
      // The first message starts the session then, and tells if it cannot.
    }
  }

  /* Each message goes when the one before it is through, so that they are stored in the order they were written. */
  #enqueue(exchange) {
    exchange.restart();
    this.#underWay += 1;
    const { signal } = this.#abort;
    this.#queue = this.#queue.then(async () => {
      if (!signal.aborted) await this.#deliver(exchange, signal);
      if (signal.aborted) return; // another conversation's count began at 0
      this.#underWay -= 1;
      this.#catchUp();
    });
  }

  /* What another tab said while this one was speaking is shown once this one has been answered. */
  #catchUp() {
    if (!this.#isBehind || this.#underWay) return;
    this.#isBehind = false;
    this.refresh({ isUrgent: true });
  }

  async #deliver(exchange, signal) {
    try {
      const answer = await withRetries(() => this.#ask(exchange, signal), { signal });
      if (!signal.aborted) this.#settle(exchange, answer);
    } catch (error) {
      if (signal.aborted) return;
      const code = error.code ?? "refused";
      const sentence = SENTENCES[code] ?? "Something went wrong. Please try again.";
      exchange.fail(sentence, FINAL.has(code) ? null : () => this.#enqueue(exchange));
    }
  }

  #ask(exchange, signal) {
    return this.#withSession((session) => {
      exchange.restart();
      return this.#api.chat(session, exchange, exchange, signal);
    });
  }

  /* Runs `call` with the session; where the server no longer knows it, once more with a new one. */
  async #withSession(call) {
    const session = await this.#keeper.ensure();
    this.#shown = session.id;
    try {
      return await call(session);
    } catch (error) {
      if (!error.isLostSession) throw error;
      return call(await this.#replace(session));
    }
  }

  async #replace(lost) {
    this.#keeper.drop(lost);
    this.#records = [];
    this.#older = null;
    this.#draw();
    const session = await this.#keeper.ensure();
    this.#shown = session.id;
    return session;
  }

  #settle(exchange, answer) {
    const { content, id, at } = answer.message;
    const question = { id: exchange.id, role: "user", content: exchange.text, at: exchange.question.at.toISOString() };
    const reply = { id, role: "assistant", content, at };
    exchange.finish(reply);
    this.#records.push(question, reply);
    this.#transcript.settle(exchange, [question, reply]);
    this.#channel?.postMessage("changed");
    if (answer.demo) this.on.demo();
    this.on.message(reply);
  }

  async #load() {
    this.#refreshedAt = performance.now();
    const { signal } = this.#abort;
    const isWaiting = () => !signal.aborted && !this.#records.length;
    const slow = setTimeout(() => isWaiting() && this.#transcript.notice("Loading the conversation…"), 300);
    try {
      const page = await this.#withSession((session) => this.#api.messages(session));
      if (!signal.aborted && this.#underWay) this.#isBehind = true;
      else if (!signal.aborted) this.#merge(page);
    } catch {
      if (isWaiting()) this.#offerReload();
      return;
    } finally {
      clearTimeout(slow);
    }
    if (!signal.aborted) this.#transcript.notice(null);
  }

  #offerReload() {
    this.#transcript.notice("The conversation could not be loaded.", () => this.refresh({ isUrgent: true }));
  }

  /* The newest page replaces what is shown from its first message on; older messages stay where they join it. */
  #merge({ messages, next }) {
    const page = messages.reverse();
    const join = page.length ? this.#records.findIndex((record) => record.id === page[0].id) : -1;
    if (join < 0) this.#older = next;
    this.#records = join < 0 ? page : [...this.#records.slice(0, join), ...page];
    const stored = new Set(page.map((record) => record.id));
    for (const exchange of this.#transcript.live) if (stored.has(exchange.id)) this.#transcript.discard(exchange);
    this.#draw();
  }

  #draw() {
    this.#transcript.sync(this.#records, !this.#older);
  }

  /* Another tab started, replaced or removed the session. */
  #adopt() {
    const session = this.#keeper.current;
    if (!this.#shown || session?.id === this.#shown) return;
    this.#forget();
    this.refresh({ isUrgent: true });
  }

  #forget() {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#queue = Promise.resolve();
    this.#underWay = 0;
    this.#isBehind = false;
    this.#refreshing = null;
    this.#records = [];
    this.#older = null;
    this.#shown = null;
    this.#transcript.clear();
  }
}
