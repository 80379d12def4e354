// How the page follows a run: one WebSocket that is opened again when it breaks, and goes on where it stood.

const VERSION = "swarm.v1";
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 15_000;
const KEPT_EVENTS = 300;
const PAST_EVENTS = 100;

/** Full jitter, so that many pages do not come back at once. */
export function backoff(attempt) {
  return Math.random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** attempt);
}

/**
 * Keeps what the server says of a run and tells of changes by events:
 * `connection` (state: connecting, live, waiting, refused), `runs`, `run` (view, events), `trouble` (message).
 */
export class SwarmClient extends EventTarget {
  constructor({ url, token, allowed, past }) {
    super();
    this.past = past; // gives the events of a run after a number
    this.url = url;
    this.token = token;
    this.allowed = allowed; // asks the server whether the token is good: a refused upgrade looks like any other failure
    this.state = "connecting";
    this.attempt = 0;
    this.runs = [];
    this.forget();
  }

  forget() {
    this.view = null;
    this.alive = true;
    this.skew = 0; // the server's clock minus ours, in seconds
    this.cursor = null;
    this.stream = null;
    this.events = [];
  }

  start() {
    this.connect();
    for (const name of ["online", "visibilitychange"]) addEventListener(name, () => this.retryNow());
  }

  /** Follow this run from now on. */
  choose(run) {
    this.run = run;
    this.forget();
    this.subscribe();
    this.tell("run");
  }

  connect() {
    this.socket = new WebSocket(this.url, [VERSION, `token.${this.token}`]);
    this.socket.addEventListener("open", () => this.opened());
    this.socket.addEventListener("message", (message) => this.take(JSON.parse(message.data)));
    this.socket.addEventListener("close", () => this.closed());
  }

  opened() {
    this.attempt = 0;
    this.enter("live");
    this.send({ type: "subscribe", run: null });
    this.subscribe();
  }

  subscribe() {
    if (this.run && this.state === "live") {
      this.send({ type: "subscribe", run: this.run, after: this.cursor, stream: this.stream });
    }
  }

  send(wish) {
    this.socket.send(JSON.stringify(wish));
  }

  async closed() {
    this.enter("waiting");
    if (!(await this.allowed())) {
      this.enter("refused");
      return;
    }
    const pause = backoff(this.attempt);
    this.attempt += 1;
    this.timer = setTimeout(() => this.connect(), pause);
  }

  retryNow() {
    if (this.state === "waiting" && this.timer && !document.hidden) {
      clearTimeout(this.timer);
      this.timer = null;
      this.connect();
    }
  }

  take(frame) {
    switch (frame.type) {
      case "snapshot":
        return this.replace(frame);
      case "reset":
        this.cursor = null;
        this.events = [];
        return undefined;
      case "event":
        return this.happened(frame.event);
      case "update":
        return this.update(frame);
      case "runs":
        this.runs = frame.runs;
        return this.tell("runs");
      case "error":
        return this.tell("trouble", frame.message);
      default:
        return undefined; // a newer server may say more
    }
  }

  replace(frame) {
    this.view = frame.run;
    this.alive = frame.alive;
    this.skew = frame.at - Date.now() / 1000;
    this.stream = frame.run.stream;
    if (this.cursor === null) {
      this.cursor = frame.run.seq;
      this.recall(frame.run);
    }
    this.tell("run");
  }

  /** Put the latest events from before the snapshot below those that came since. */
  async recall({ run_id, seq }) {
    const found = await this.past(run_id, Math.max(0, seq - PAST_EVENTS), PAST_EVENTS);
    if (this.view?.run_id !== run_id) return;
    const known = new Set(this.events.map((event) => event.seq));
    this.events.push(...found.filter((event) => event.seq <= seq && !known.has(event.seq)).reverse());
    this.tell("run");
  }

  happened(event) {
    if (event.run_id !== this.view?.run_id || event.seq <= this.cursor) return;
    if (event.seq !== this.cursor + 1) {
      this.subscribe(); // something was passed over: ask again from the cursor
      return;
    }
    this.cursor = event.seq;
    this.events = [event, ...this.events.slice(0, KEPT_EVENTS - 1)];
    this.tell("run");
  }

  update(frame) {
    if (!this.view) return;
    const { view } = this;
    this.alive = frame.alive;
    this.skew = frame.at - Date.now() / 1000;
    this.view = {
      ...view,
      seq: frame.after,
      progress: frame.progress,
      requirements: replaced(view.requirements, frame.requirements, "id"),
      items: replaced(view.items, frame.items, "id"),
      agents: replaced(view.agents, frame.agents, "name"),
    };
    this.tell("run");
  }

  enter(state) {
    if (this.state === state && state !== "waiting") return;
    this.state = state;
    this.tell("connection");
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function replaced(known, news, key) {
  const byKey = new Map(news.map((one) => [one[key], one]));
  return known.map((one) => byKey.get(one[key]) ?? one);
}
