/* Reads the snippet, asks Parlour how the widget looks on this site, draws it, and takes the page's commands:
   window.parlour("open" | "close" | "toggle" | "show" | "hide" | "reset" | "logout"), window.parlour("identify", token)
   and window.parlour("on", event, listener) with the events ready, open, close, message and identify-failed. Commands given before the script came wait in window.parlour.q. */
const EVENTS = new Set(["ready", "open", "close", "message", "identify-failed"]);

class Widget {
  #listeners = [];
  #unread = 0;
  #panel = null;
  #conversation = null;
  #identity = null;

  async start(host, settings) {
    const api = new Api(host, settings.site_key, settings.agent);
    const config = await withRetries(() => api.config(), { tries: CONFIG_TRIES });
    if (document.readyState === "loading") await new Promise((done) => addEventListener("DOMContentLoaded", done));
    this.#draw(api, config, settings);
    this.#emit("ready");
  }

  run(command, ...values) {
    const commands = {
      open: () => this.#panel.open(),
      close: () => this.#panel.close(),
      toggle: () => this.#panel.toggle(),
      show: () => this.#panel.showLauncher(true),
      hide: () => this.#panel.showLauncher(false),
      reset: () => this.#conversation.restart(),
      logout: () => this.#conversation.logout(),
      identify: () => this.#identify(...values),
      on: () => this.#listen(...values),
    };
    if (Object.hasOwn(commands, command)) commands[command]();
    else console.warn(`Parlour: there is no command "${command}".`);
  }

  #draw(api, config, settings) {
    const name = ["parlour", settings.site_key, settings.agent].filter(Boolean).join(":");
    const transcript = new Transcript({
      agentName: config.agent_name,
      welcome: config.welcome ?? "",
      starters: config.starters ?? [],
      onStarter: (text) => this.#send(text),
      onNearTop: () => this.#conversation.loadOlder(),
    });
    const stop = () => this.#conversation.stop();
    const composer = new Composer(config.agent_name, (text) => this.#send(text), stop);
    const keeper = new SessionKeeper(name, () => api.startSession(), () => this.#identity.tell());
    const failed = (code) => this.#emit("identify-failed", { code });
    this.#identity = new Identity({ api, keeper, failed });
    const heard = {
      answered: (record, { isOwn }) => this.#answered(record, isOwn, config),
      failed: (sentence) => this.#panel.announce(sentence),
      stopped: () => this.#panel.announce("Stopped"),
      demo: () => this.#panel.markDemo(),
      left: () => this.#left(composer),
      answering: (isAnswering, isStopping) => composer.offerStop(isAnswering, isStopping),
    };
    this.#conversation = new Conversation({ api, keeper, transcript, name, on: heard });
    const look = { ...config.look, ...settings };
    this.#panel = new Panel({ config, look, transcript, composer, on: this.#panelEvents() });
    if (settings.hidden) this.#panel.showLauncher(false);
  }

  #panelEvents() {
    return {
      open: () => {
        this.#unread = 0;
        this.#conversation.open();
        this.#emit("open");
      },
      close: () => this.#emit("close"),
      restart: () => this.#conversation.restart(),
      download: () => this.#conversation.download(),
      erase: async () => this.#panel.announce(await this.#conversation.erase()),
      hasConversation: () => this.#conversation.isKept,
    };
  }

  #send(text) {
    this.#conversation.send(text);
    this.#emit("message", { role: "user" });
  }

  /* Nothing of a visitor who logged out stays in the page, whether they sent it or not. */
  #left(composer) {
    this.#identity.forget();
    composer.clear();
    this.#unread = 0;
    this.#panel.unread(0);
    this.#panel.announce("");
  }

  #identify(token) {
    if (typeof token === "string" && token) this.#identity.claim(token);
    else console.warn('Parlour: "identify" takes a token that your server has signed.');
  }

  /* The page hears of an answer in the tab where the question was written. */
  #answered(record, isOwn, config) {
    this.#panel.announce(`${config.agent_name}: ${record.content}`);
    if (!this.#panel.isOpen) this.#panel.unread((this.#unread += 1));
    if (isOwn) this.#emit("message", { role: "assistant" });
  }

  #listen(event, listener) {
    if (!EVENTS.has(event) || typeof listener !== "function") {
      console.warn(`Parlour: "on" takes one of ${[...EVENTS].join(", ")} and a function.`);
      return;
    }
    if (event === "ready" && this.#panel) hear(listener);
    else this.#listeners.push([event, listener]);
  }

  /* Listeners never get a message's text: what a page's analytics collect should not contain it by accident. */
  #emit(event, detail) {
    for (const [wanted, listener] of this.#listeners) if (wanted === event) hear(listener, detail);
  }
}

/* A listener of the page that fails must not take the chat with it. */
function hear(listener, detail) {
  try {
    listener(detail);
  } catch (error) {
    reportError(error);
  }
}

function reasonOf(error) {
  const unreadable = "network: no connection, or this website is not registered";
  return error.code === "network" ? unreadable : (error.code ?? error.message);
}

/* The page's settings: the snippet's attributes, and window.parlourSettings with the names of the look (accent,
   position, theme, launcher_label) or hidden. */
function settingsOf(script) {
  const { siteKey, agent } = script.dataset;
  return { ...window.parlourSettings, site_key: siteKey, ...(agent && { agent }) };
}

async function begin(script) {
  const widget = new Widget();
  const waiting = [];
  let isReady = false;
  const early = window.parlour?.q ?? [];
  window.parlour = (...command) => {
    if (isReady || command[0] === "on") widget.run(...command);
    else waiting.push(command);
  };
  window.parlour.isLoaded = true;
  for (const command of early) window.parlour(...command);
  try {
    await widget.start(new URL(script.src).origin, settingsOf(script));
  } catch (error) {
    console.warn(`Parlour: no chat on ${location.origin}: ${reasonOf(error)}.`);
    return;
  }
  isReady = true;
  for (const command of waiting) widget.run(...command);
}

const snippet = document.currentScript ?? document.querySelector('script[data-site-key][src*="/widget.js"]');
if (snippet?.dataset.siteKey && !window.parlour?.isLoaded) begin(snippet);
