/* One visitor's conversation: starts it, sends in order, keeps what is shown equal to what the server has stored. */
const REFRESH_INTERVAL = 1_000;
const STOP_TRIES = 3;
const LOGGED_OUT = "logged out"; // what one tab tells the others
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
  #line;
  #records = [];
  #older = null;
  #shown = null;
  #abort = new AbortController();
  #isBehind = false;
  #refreshing = null;
  #refreshedAt = 0;
  #isLoadingOlder = false;

  /* `on`: `answered(record, exchange)` for each answer that comes here, `failed(sentence)`, `stopped()`, `demo()` when an
     answer came from the demo model, `answering(isAnswering, isStopping)` when there is something to stop, or no longer,
     `left()` when the visitor logged out, here or in another tab. */
  constructor({ api, keeper, transcript, name, on }) {
    this.#api = api;
    this.#keeper = keeper;
    this.#transcript = transcript;
    this.on = on;
    this.#line = this.#newLine();
    this.#channel = "BroadcastChannel" in window ? new BroadcastChannel(name) : null;
    this.#channel?.addEventListener("message", ({ data }) => this.#told(data));
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
    if (!this.isOpened) this.open(); // it stayed open at a logout
    if (!this.isKept) this.#transcript.notice(null); // a new one begins
    this.#line.add(this.#transcript.begin({ id: newMessageId(), text, isOwn: true }));
    this.#draw();
  }

  /* Ends the answer that is being written. */
  async stop() {
    const { first } = this.#line;
    if (!first?.isHeld || first.isStopping) return;
    first.isStopping = true;
    this.#tellAnswering();
    try {
      const session = await this.#keeper.ensure();
      await withRetries(() => this.#api.stop(session, first.id), { tries: STOP_TRIES });
    } catch {
      first.isStopping = false; // the button may be pressed again
      this.#tellAnswering();
    }
  }

  /* Leaves the conversation for a new one, in all tabs. */
  async restart() {
    this.#keeper.clear();
    this.#forget();
    if (this.isOpened) await this.#startQuietly();
  }

  /* Ends the session in all tabs: the browser forgets it at once, then the server is told. */
  async logout() {
    const session = this.#keeper.current;
    this.#keeper.clear();
    this.#channel?.postMessage(LOGGED_OUT);
    this.#leave();
    if (!session) return;
    try {
      await withRetries(() => this.#api.logout(session));
    } catch (error) {
      if (!error.isLostSession) console.warn(`Parlour: the server could not be told of the logout: ${error.code}.`);
    }
  }

  /* Whether there is a conversation that could be taken along or deleted. */
  get isKept() {
    return Boolean(this.#keeper.current);
  }

  /* Hands the visitor the whole conversation as a file. */
  async download() {
    const session = this.#keeper.current;
    if (!session) return;
    try {
      saveFile(await withRetries(() => this.#api.export(session)), `chat-${location.hostname}.json`);
      this.#transcript.notice(null);
    } catch {
      const sentence = "The conversation could not be downloaded.";
      this.#transcript.notice(sentence, () => this.download());
      this.#transcript.toTop();
      this.on.failed(sentence);
    }
  }

  /* Has the server delete the conversation, then leaves it in all tabs, and resolves with what the visitor is told.
     Rejects where it could not be deleted. */
  async erase() {
    const session = this.#keeper.current;
    let sentence = "Your conversation was deleted.";
    this.#line.leave(); // nobody needs the end of an answer any more
    this.#line = this.#newLine();
    try {
      if (session) await withRetries(() => this.#api.erase(session));
    } catch (error) {
      if (!error.isLostSession) {
        this.refresh({ isUrgent: true });
        throw error;
      }
      sentence = "This conversation had ended before. Ask the website whether it still keeps it.";
    }
    if (session) this.#keeper.drop(session);
    this.#forget();
    this.#transcript.notice(sentence);
    return sentence;
  }

  /* Shows what the server has stored meanwhile, from another tab for one. Not before the chat was opened. */
  async refresh({ isUrgent = false } = {}) {
    if (!this.isOpened || !this.#keeper.current) return;
    if (!isUrgent && performance.now() - this.#refreshedAt < REFRESH_INTERVAL) return;
    this.#isBehind ||= isUrgent;
    const loading = (this.#refreshing ??= this.#load());
    await loading;
    if (this.#refreshing === loading) this.#refreshing = null;
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

  #newLine() {
    return new Line({
      hear: (exchange, signal) => this.#withSession((session) => this.#hear(session, exchange, signal)),
      hand: (exchange) => this.#hand(exchange),
      on: {
        answered: (exchange, answer) => this.#settle(exchange, answer),
        failed: (exchange, error) => this.#fail(exchange, error),
        moved: () => this.#draw(),
      },
    });
  }

  async #hear(session, exchange, signal) {
    const heard = (event, id) => {
      exchange.heard(event, id);
      if (event.type === "MESSAGES_SNAPSHOT") this.refresh({ isUrgent: true });
    };
    try {
      return await this.#api.answer(session, exchange, { held: () => this.#held(exchange), heard }, signal);
    } catch (error) {
      // What the server refuses or has given up it gets again; from a line that was cut it still has the message.
      if (error.code !== "network") exchange.isHeld = false;
      throw error;
    }
  }

  /* Gives the server a message that is not its turn yet; whether it has it then. */
  async #hand(exchange) {
    const { signal } = this.#abort;
    try {
      await this.#api.hand(await this.#keeper.ensure(), exchange, signal);
    } catch {
      return false;
    }
    if (!signal.aborted) this.#held(exchange);
    return true;
  }

  #held(exchange) {
    const isNew = !exchange.isHeld;
    exchange.held();
    this.#tellAnswering();
    this.#line.handOver();
    if (isNew && exchange.isOwn) this.#channel?.postMessage("changed");
  }

  #fail(exchange, error) {
    const code = error.code ?? "refused";
    const sentence = error.sentence || (SENTENCES[code] ?? "Something went wrong. Please try again.");
    exchange.fail(this.#lastId, sentence, FINAL.has(code) ? null : () => this.#tryAgain(exchange));
    this.#draw();
    this.on.failed(sentence);
  }

  #tryAgain(exchange) {
    this.#transcript.element.focus({ preventScroll: true }); // the button that has the focus goes
    this.#line.add(exchange);
    this.#draw();
  }

  #settle(exchange, answer) {
    if (answer.message) {
      const question = { id: exchange.id, role: "user", content: exchange.text, at: exchange.question.at.toISOString() };
      this.#records.push(question, answer.message);
      this.#conclude(exchange, question, answer.message);
    } else exchange.stop(this.#lastId);
    this.#draw();
    if (exchange.isOwn) this.#channel?.postMessage("changed");
    if (answer.demo) this.on.demo();
    if (answer.stopped) this.on.stopped();
  }

  #conclude(exchange, question, reply) {
    this.#isBehind = true; // a page that is being loaded is older than this
    exchange.finish(reply);
    this.#transcript.settle(exchange, [question, reply]);
    this.on.answered(reply, exchange);
  }

  async #load() {
    this.#refreshedAt = performance.now();
    const { signal } = this.#abort;
    const isWaiting = () => !signal.aborted && !this.#records.length;
    const slow = setTimeout(() => isWaiting() && this.#transcript.notice("Loading the conversation…"), 300);
    try {
      const page = await this.#newestPage(signal);
      if (!signal.aborted) this.#merge(page);
    } catch {
      if (isWaiting()) this.#offerReload();
      return;
    } finally {
      clearTimeout(slow);
    }
    if (!signal.aborted) this.#transcript.notice(null);
  }

  /* The newest page, loaded again where something has changed meanwhile. */
  async #newestPage(signal) {
    for (;;) {
      this.#isBehind = false;
      const page = await this.#withSession((session) => this.#api.messages(session));
      if (signal.aborted || !this.#isBehind) return page;
    }
  }

  #offerReload() {
    this.#transcript.notice("The conversation could not be loaded.", () => this.refresh({ isUrgent: true }));
  }

  /* The newest page replaces what is shown from its first message on; older messages stay where they join it. */
  #merge({ messages, next, ongoing }) {
    const page = messages.reverse();
    const join = page.length ? this.#records.findIndex((record) => record.id === page[0].id) : -1;
    if (join < 0) this.#older = next;
    this.#records = join < 0 ? page : [...this.#records.slice(0, join), ...page];
    for (const exchange of this.#transcript.live) this.#takeFrom(page, exchange);
    for (const turn of ongoing) this.#follow(turn);
    this.#line.arrange(ongoing.map((turn) => turn.message_id));
    this.#draw();
  }

  /* An exchange whose answer is stored has ended, whatever has become of it here. */
  #takeFrom(page, exchange) {
    const at = page.findIndex((record) => record.id === exchange.id);
    if (at < 0 || !page[at + 1]) return;
    this.#line.drop(exchange);
    this.#conclude(exchange, page[at], page[at + 1]);
  }

  /* Listens to a turn that runs without this tab: begun before a reload, in another tab, or given up here. */
  #follow({ message_id: id, message }) {
    if (this.#line.has(id)) return;
    const known = this.#transcript.live.find((exchange) => exchange.id === id);
    const exchange = known ?? this.#transcript.begin({ id, text: message.content, at: message.at, isOwn: false });
    exchange.isHeld = true;
    this.#line.add(exchange);
  }

  #draw() {
    this.#transcript.sync(this.#records, !this.#older, this.#line.exchanges);
    this.#tellAnswering();
  }

  #tellAnswering() {
    const { first } = this.#line;
    this.on.answering(Boolean(first?.isHeld), Boolean(first?.isStopping));
  }

  get #lastId() {
    return this.#records.at(-1)?.id ?? null;
  }

  /* Another tab says that something has changed, or that the visitor logged out. */
  #told(news) {
    if (news === LOGGED_OUT) this.#leave();
    // A tab that nobody sees looks when it is seen: it must not take one of the few connections meanwhile.
    else if (!document.hidden) this.refresh({ isUrgent: true });
  }

  #leave() {
    this.isOpened = false;
    this.#forget();
    this.on.left();
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
    this.#line.leave();
    this.#line = this.#newLine();
    this.#isBehind = false;
    this.#refreshing = null;
    this.#records = [];
    this.#older = null;
    this.#shown = null;
    this.#transcript.clear();
    this.on.answering(false, false);
  }
}
