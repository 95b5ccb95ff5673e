/* Who the visitor is: a token that the page's own server has signed. Kept in memory alone, and told to Parlour once for
   each session: the one there is, and each that is started later, in another tab too. */
class Identity {
  #api;
  #keeper;
  #failed;
  #token = null;
  #toldTo = null;

  /* `failed(code)` hears why Parlour did not believe the token. */
  constructor({ api, keeper, failed }) {
    this.#api = api;
    this.#keeper = keeper;
    this.#failed = failed;
    keeper.watch(() => this.tell());
  }

  claim(token) {
    this.#token = token;
    this.#toldTo = null;
    this.tell();
  }

  forget() {
    this.#token = null;
  }

  async tell() {
    const [session, token] = [this.#keeper.current, this.#token];
    if (!session || !token || this.#toldTo === session.id) return;
    this.#toldTo = session.id;
    try {
      await withRetries(() => this.#api.identify(session, token));
    } catch (error) {
      // A session that is lost is replaced when it is needed, and then told anew.
      if (token === this.#token && !error.isLostSession) this.#failed(error.code ?? "refused");
    }
  }
}
