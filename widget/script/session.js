/* Which conversation this browser has with this site: an id and its token, shared by all tabs through localStorage
   and nothing else. Without storage it lives as long as the page. */
const ID_PATTERN = /^[A-Za-z0-9_-]{8,128}$/;
const TOKEN_PATTERN = /^[A-Za-z0-9_-]{8,256}$/;
const ARRIVAL_LOOKS = 40;
const ARRIVAL_PAUSE = 25;

class SessionKeeper {
  #name;
  #start;
  #started;
  #starting = null;
  #memory = null;
  #hasStorage = true;

  /* `start()` makes a session at the server and resolves with its id and token; `started()` hears that one is kept. */
  constructor(name, start, started) {
    this.#name = name;
    this.#start = start;
    this.#started = started;
  }

  /* The session as stored now: another tab may have changed it a moment ago. */
  get current() {
    if (!this.#hasStorage) return this.#memory;
    try {
      return parseSession(localStorage.getItem(this.#name));
    } catch {
      this.#hasStorage = false;
      return this.#memory;
    }
  }

  /* The current session, or one newly started. Two tabs that ask at once get the same. */
  async ensure() {
    const current = this.current;
    if (current) return current;
    this.#starting ??= this.#startAlone().finally(() => {
      this.#starting = null;
    });
    return this.#starting;
  }

  /* Forgets `session`, unless another has already taken its place. */
  drop(session) {
    if (this.current?.id === session.id) this.#write(null);
  }

  clear() {
    this.#write(null);
  }

  /* Calls `changed()` when another tab starts, replaces or removes the session. */
  watch(changed) {
    addEventListener("storage", (event) => {
      if (event.key === this.#name || event.key === null) changed();
    });
  }

  async #startAlone() {
    const start = async () => this.current ?? this.#keep(await this.#start());
    if (!navigator.locks) return start();
    const started = await navigator.locks.request(this.#name, { ifAvailable: true }, (lock) => lock && start());
    return started ?? navigator.locks.request(this.#name, async () => (await this.#arriving()) ?? start());
  }

  /* What the tab that held the lock has stored; in another process that is seen a moment after the lock is free. */
  async #arriving() {
    for (let looks = 0; looks < ARRIVAL_LOOKS && !this.current; looks += 1) await pause(ARRIVAL_PAUSE);
    return this.current;
  }

  /* Where the browser has no locks, another tab may have been faster meanwhile: the first one stored stays. */
  #keep(session) {
    if (!this.current) this.#write(session);
    this.#started();
    return this.current ?? session;
  }

  #write(session) {
    this.#memory = session;
    try {
      if (session) localStorage.setItem(this.#name, JSON.stringify(session));
      else localStorage.removeItem(this.#name);
    } catch {
      this.#hasStorage = false; // full or forbidden
    }
  }
}

function parseSession(stored) {
  try {
    const { id, token } = JSON.parse(stored);
    return ID_PATTERN.test(id) && TOKEN_PATTERN.test(token) ? { id, token } : null;
  } catch {
    return null;
  }
}
