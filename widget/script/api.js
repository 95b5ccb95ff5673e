/* The calls to Parlour. They go to the host the script came from, carry no cookie and leave nothing in a cache. */
const CALL_TIMEOUT = 20_000;
const SILENCE_TIMEOUT = 40_000; // the server's heartbeats, one each 15 s, count as sound
const TEMPORARY = new Set(["network", "turn_in_progress", "rate_limited", "overloaded", "unavailable"]);
const LOST = new Set(["session_token_invalid", "session_token_required"]);
const SPEAKING = new Set(["rate_limited", "quota_exceeded", "model_unavailable"]);

/* A call that did not succeed. `code` is Parlour's own, or "network" where no answer came; `sentence` is the server's
   where its words are meant for the visitor. */
class CallError extends Error {
  constructor(code, { retryAfter = 0, sentence = "" } = {}) {
    super(`Parlour: ${code}`);
    this.code = code;
    this.retryAfter = retryAfter;
    this.sentence = sentence;
  }

  get isTemporary() {
    return TEMPORARY.has(this.code);
  }

  /* The session is gone or its token no longer fits. */
  get isLostSession() {
    return LOST.has(this.code);
  }
}

const STREAM = { accept: "text/event-stream" };

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
    // The key stands in the address: a request without it in a header is made at once, where the browser would first ask
    // whether it may. A page that may not is told so, and its website's owner sees that it tried.
    const query = new URLSearchParams({ site_key: this.#siteKey, ...(this.#agent && { agent_id: this.#agent }) });
    return this.#json(`/api/v1/widget/config/?${query}`, { isAskedFor: false });
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

  /* One page of the transcript, newest message first; `next` leads to the older ones, `ongoing` are turns under way. */
  messages(session, cursor) {
    const query = cursor ? `?cursor=${encodeURIComponent(cursor)}` : "";
    return this.#json(`${pathOf(session)}/messages/${query}`, { token: session.token });
  }

  /* Gives the server a message to store and to answer in its turn, and does not listen. */
  async hand(session, message, signal) {
    const watch = new Watch(CALL_TIMEOUT, signal);
    try {
      await this.#send(session, message, watch);
    } finally {
      watch.end();
    }
  }

  /* Sends a message, or rejoins the answer to one that the server holds, and resolves with the whole answer. `on` hears
     of it while it comes: `held()` once the server has stored the message, `heard(event, id)`. */
  async answer(session, message, on, signal) {
    const watch = new Watch(SILENCE_TIMEOUT, signal);
    try {
      const response = await (message.isHeld ? this.#join : this.#send).call(this, session, message, watch);
      on.held();
      return await readAnswer(response.body, on, watch);
    } catch (error) {
      throw error instanceof CallError || signal.aborted ? error : new CallError("network");
    } finally {
      watch.end();
    }
  }

  /* Ends the answer to a message where it is; what was said stays. */
  stop(session, messageId) {
    return this.#json(`${pathOf(session)}/stop/`, { body: { message_id: messageId }, token: session.token });
  }

  /* Proves to the server who the visitor is, with a token that the page's own server has signed. */
  identify(session, token) {
    return this.#json(`${pathOf(session)}/identify/`, { body: { token }, token: session.token });
  }

  /* Ends the session's token. The page may be on its way to another one: the call goes on without it. */
  logout(session) {
    return this.#json(`${pathOf(session)}/logout/`, { body: {}, token: session.token, keepalive: true });
  }

  /* The whole conversation, as a file. */
  async export(session) {
    const watch = new Watch(SILENCE_TIMEOUT);
    try {
      return await (await this.#fetch(`${pathOf(session)}/export/`, { token: session.token, signal: watch.signal })).blob();
    } catch (error) {
      throw error instanceof CallError ? error : new CallError("network");
    } finally {
      watch.end();
    }
  }

  /* Deletes the conversation for good, and resolves with the receipt. */
  erase(session) {
    return this.#json(`${pathOf(session)}/`, { method: "DELETE", token: session.token });
  }

  #send(session, message, watch) {
    const body = this.#withAgent({
      message: message.text,
      session_id: session.id,
      message_id: message.id,
      metadata: { website_domain: location.hostname },
    });
    return this.#fetch("/api/v1/chat/", { ...STREAM, body, token: session.token, signal: watch.signal });
  }

  #join(session, message, watch) {
    const path = `${pathOf(session)}/turns/${message.id}/events`;
    return this.#fetch(path, { ...STREAM, after: message.eventId, token: session.token, signal: watch.signal });
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

  async #fetch(path, options = {}) {
    const { accept = "application/json", after, body, token, signal, keepalive = false, isAskedFor = true } = options;
    const { method = body ? "POST" : "GET" } = options;
    const headers = { Accept: accept };
    if (isAskedFor) headers["X-Parlour-Key"] = this.#siteKey;
    if (after) headers["Last-Event-ID"] = after;
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    const response = await fetch(this.#host + path, {
      method,
      headers,
      body: body && JSON.stringify(body),
      signal,
      keepalive,
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
  const isDown = response.status === 502 || response.status === 503 || response.status === 504;
  let [code, sentence] = [isDown ? "unavailable" : "refused", ""];
  try {
    const refusal = await response.json();
    code = refusal.code ?? code;
    if (SPEAKING.has(code)) sentence = refusal.message;
  } catch {
    // A proxy in between answered with something else than Parlour's JSON.
  }
  return new CallError(code, { retryAfter: retryAfterOf(response), sentence });
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
    for (const { id, data } of parser.push(value)) {
      const event = JSON.parse(data);
      if (event.type === "RUN_FINISHED") return event.result;
      if (event.type === "RUN_ERROR") throw new CallError(event.code ?? "refused", { sentence: SPEAKING.has(event.code) ? event.message : "" });
      on.heard(event, id);
    }
  }
}

function pathOf(session) {
  return `/api/v1/sessions/${session.id}`;
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
