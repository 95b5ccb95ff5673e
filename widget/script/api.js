/* The calls to Parlour. They go to the host the script came from, carry no cookie and leave nothing in a cache. */
const CALL_TIMEOUT = 20_000;
const SILENCE_TIMEOUT = 75_000; // longer than a turn may wait for the one before it; heartbeats count as sound
const RETRY_TRIES = 5;
const CONFIG_TRIES = 3; // an unknown website looks like a broken network: the browser hides the refusal
const RETRY_WINDOW = 60_000;
const TEMPORARY = new Set(["network", "turn_in_progress", "rate_limited", "overloaded", "unavailable"]);
const LOST = new Set(["session_token_invalid", "session_token_required", "session_not_found", "not_found"]);

/* A call that did not succeed. `code` is Parlour's own, or "network" where no answer came. */
class CallError extends Error {
  constructor(code, { status = 0, retryAfter = 0 } = {}) {
    super(`Parlour: ${code}`);
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }

  get isTemporary() {
    return TEMPORARY.has(this.code);
  }

  /* The session is gone or its token no longer fits. */
  get isLostSession() {
    return this.status === 401 || ((this.status === 403 || this.status === 404) && LOST.has(this.code));
  }
}

class Api {
  #host;
  #siteKey;
  #agent;

  constructor(host, siteKey, agent) {
    this.#host = host;
    this.#siteKey = siteKey;
    this.#agent = agent;
  }

  config() {
    const query = this.#agent ? `?agent_id=${encodeURIComponent(this.#agent)}` : "";
    return this.#json(`/api/v1/widget/config/${query}`);
  }

  /* Starts a session under a fresh id. An id that is taken (a lost answer, say) is replaced by another. */
  async startSession() {
    const id = newSessionId();
    try {
      const started = await this.#json("/api/v1/sessions/", { body: this.#withAgent({ session_id: id }) });
      return { id: started.session_id, token: started.token };
    } catch (error) {
      if (error.code === "session_exists") return this.startSession();
      throw error;
    }
  }

  /* One page of the transcript, newest message first; `next` leads to the older ones. */
  messages(session, cursor) {
    const query = cursor ? `?cursor=${encodeURIComponent(cursor)}` : "";
    return this.#json(`/api/v1/sessions/${session.id}/messages/${query}`, { token: session.token });
  }

  /* Sends a message and resolves with the whole answer; `on` hears of it while it comes: `started()`, `said(delta)`. */
  async chat(session, message, on, signal) {
    const watch = new Watch(SILENCE_TIMEOUT, signal);
    try {
      const response = await this.#fetch("/api/v1/chat/", {
        accept: "text/event-stream",
        body: this.#withAgent({
          message: message.text,
          session_id: session.id,
          message_id: message.id,
          metadata: { website_domain: location.hostname },
        }),
        token: session.token,
        signal: watch.signal,
      });
      const streamed = (response.headers.get("Content-Type") ?? "").startsWith("text/event-stream");
      return streamed ? await readAnswer(response.body, on, watch) : await response.json();
    } catch (error) {
      throw error instanceof CallError || signal?.aborted ? error : new CallError("network");
    } finally {
      watch.end();
    }
  }

  #withAgent(body) {
    return this.#agent ? { ...body, agent_id: this.#agent } : body;
  }

  async #json(path, options = {}) {
    const watch = new Watch(CALL_TIMEOUT);
    try {
      return await (await this.#fetch(path, { ...options, signal: watch.signal })).json();
    } catch (error) {
      throw error instanceof CallError ? error : new CallError("network");
    } finally {
      watch.end();
    }
  }

  async #fetch(path, { accept = "application/json", body, token, signal } = {}) {
    const headers = { Accept: accept, "X-Parlour-Key": this.#siteKey };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    const response = await fetch(this.#host + path, {
      method: body ? "POST" : "GET",
      headers,
      body: body && JSON.stringify(body),
      signal,
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
    });
    if (!response.ok) throw await refusalOf(response);
    return response;
  }
}

/* Aborts a call that has been silent for too long, that is over, or whose own signal asks for it. */
class Watch {
  #abort = new AbortController();
  #milliseconds;
  #timer;

  constructor(milliseconds, signal) {
    this.#milliseconds = milliseconds;
    signal?.addEventListener("abort", () => this.#abort.abort(), { once: true, signal: this.signal });
    if (signal?.aborted) this.#abort.abort();
    this.heard();
  }

  get signal() {
    return this.#abort.signal;
  }

  heard() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abort.abort(), this.#milliseconds);
  }

  end() {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }
}

async function refusalOf(response) {
  let code = response.status === 502 || response.status === 503 || response.status === 504 ? "unavailable" : "refused";
  try {
    code = (await response.json()).code ?? code;
  } catch {
    // A proxy in between answered with something else than Parlour's JSON.
  }
  return new CallError(code, { status: response.status, retryAfter: retryAfterOf(response) });
}

/* Milliseconds that the server asks to wait; the header is seconds or a date. */
function retryAfterOf(response) {
  const value = response.headers.get("Retry-After");
  if (!value) return 0;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Math.max(0, wait) || 0;
}

/* Reads AG-UI events to the end of the run. A stream that stops before it is an error like any cut line. */
async function readAnswer(body, on, watch) {
  const reader = body.getReader();
  const parser = new EventParser();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new CallError("network");
    watch.heard();
    for (const data of parser.push(value)) {
      const event = JSON.parse(data);
      if (event.type === "RUN_FINISHED") return event.result;
      if (event.type === "RUN_ERROR") throw new CallError(event.code ?? "refused");
      if (event.type === "RUN_STARTED") on.started();
      if (event.type === "TEXT_MESSAGE_CONTENT") on.said(event.delta);
    }
  }
}

/* Repeats `attempt` while its error is temporary: a few times, within a minute. A turn of this session that still runs
   is waited for as long as the minute lasts. */
async function withRetries(attempt, { signal, tries: most = RETRY_TRIES } = {}) {
  const deadline = performance.now() + RETRY_WINDOW;
  for (let tries = 1; ; ) {
    try {
      return await attempt();
    } catch (error) {
      const wait = pauseBefore(tries, error.retryAfter);
      if (!error.isTemporary || tries >= most || performance.now() + wait > deadline) throw error;
      if (error.code !== "turn_in_progress") tries += 1;
      await pause(wait, signal);
    }
  }
}

/* Doubling from half a second to 8 s, half of it by chance, so that a thousand browsers do not come back at once. */
function pauseBefore(tries, retryAfter) {
  const backoff = Math.min(8_000, 500 * 2 ** (tries - 1));
  return (retryAfter || 0) + backoff * (0.5 + Math.random() / 2);
}

/* Resolves after `milliseconds`, or as soon as the browser is online again. */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, milliseconds);
    addEventListener("online", end);
    signal?.addEventListener("abort", end, { once: true });
  });
}

function newSessionId() {
  return `s_${Date.now().toString(36)}_${randomHex(16)}`;
}

function newMessageId() {
  return `m_${Date.now().toString(36)}_${randomHex(12)}`;
}

function randomHex(bytes) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
