// The two ways to listen, behind one face:
//
//   connect({identity, channels, since})   since: an id, "0" for all that is kept, or undefined for "from now"
//   disconnect(), drop()
//   change({join, leave})                  resolves with {joined, left, denied} as far as the server says
//
// and, given at construction, the callbacks
//   event(name, body, id)                  body: what the event carries; id: the cursor after it, "" when it says none
//   state("connecting" | "live" | "waiting" | "closed", note)

import { Socket } from "./socketio.js";

const random = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
const isId = (value) => typeof value === "string" && /^[0-9a-f]{8}-(0|[1-9][0-9]{0,15})$/.test(value);

export class SocketIO {
  title = "Socket.IO";
  transport = "websocket";
  canDrop = true;
  #on; #path; #socket = null; #retry = 0; #pid; #session = random();

  constructor(path, on) {
    this.#path = path;
    this.#on = on;
  }

  connect(how) {
    clearTimeout(this.#retry);
    const { identity, channels, since } = how;
    const auth = { ...identity, channels, as: "type", sessionId: this.#session };
    if (since !== undefined) auth.since = since;
    // With the session's own pid the server may resume it under the same client id; without, `since` still replays.
    if (isId(since) && this.#pid) Object.assign(auth, { pid: this.#pid, offset: since });
    let last = since, refused = false;
    const url = new URL(this.#path(), location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new Socket(url, auth, {
      open: ({ pid }) => {
        this.#pid = pid;
        this.#on.state("live", "");
      },
      event: (name, ...args) => {
        // The last argument of an event is the offset to resume at (Socket.IO connection state recovery).
        const id = isId(args.at(-1)) ? args.pop() : "";
        if (id) last = id;
        this.#on.event(name, args.length > 1 ? args : args[0], id);
      },
      refused: (body) => {
        refused = true;
        this.#on.event("connect_error", body, "");
      },
      close: (reason) => {
        const lost = socket === this.#socket && !refused;
        this.#socket = null;
        if (!lost) return this.#on.state("closed", reason);
        const wait = 1000 + Math.random() * 4000; // spread, so that a restart is not met by all pages at once
        this.#retry = setTimeout(() => this.connect({ ...how, channels: how.current?.() ?? channels, since: last }), wait);
        this.#on.state("waiting", `${reason}, trying again`);
      },
    });
    this.#socket = socket;
    this.#on.state("connecting", "");
    socket.connect();
  }

  disconnect() {
    this.#pid = undefined; // an ordered leave ends the session
    this.#stop((socket) => socket.disconnect());
  }

  drop() {
    this.#stop((socket) => socket.drop());
  }

  #stop(how) {
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = null; // so that its end is no loss
    if (socket) how(socket);
    else this.#on.state("closed", "disconnected");
  }

  async change({ join = [], leave = [] }) {
    const result = { joined: [], left: [], denied: [] };
    if (join.length > 0) {
      const [answer] = await this.#socket.ask("subscribe", { channels: join });
      if (answer?.error) throw new Error(answer.error.message ?? answer.error.code);
      result.joined = answer?.channels ?? [];
      result.denied = answer?.denied ?? [];
    }
    if (leave.length > 0) {
      await this.#socket.ask("unsubscribe", { channels: leave });
      result.left = leave;
    }
    return result;
  }
}

// Names the server uses itself; notifications all come as `message`, which is what `as` is for: a native EventSource
// hears only the names it was told.
const CONTROL = ["connected", "gap", "recovery", "sync", "overloaded", "disconnected", "connection-update",
  "auth:expiring", "auth:expired", "auth:refreshed"];

export class Events {
  title = "EventSource";
  transport = "sse";
  canDrop = false;
  #on; #path; #source = null; #identity; #client = ""; #session = random();

  constructor(path, on) {
    this.#path = path;
    this.#on = on;
  }

  connect({ identity, channels, since }) {
    this.#source?.close();
    this.#identity = identity;
    const url = new URL(this.#path(), location.href);
    const query = { ...identity, sessionId: this.#session, as: "message", lastEventId: since };
    for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
    for (const channel of channels) url.searchParams.append("channels", channel);
    const source = new EventSource(url);
    this.#source = source;
    this.#on.state("connecting", "");
    for (const name of ["message", ...CONTROL]) source.addEventListener(name, (event) => this.#event(name, event));
    source.onopen = () => this.#on.state("live", "");
    source.onerror = () => {
      if (source.readyState === EventSource.CONNECTING) this.#on.state("waiting", "connection lost, trying again");
      else this.#refused(source, url);
    };
  }

  #event(name, { data, lastEventId }) {
    let body = data;
    try { body = JSON.parse(data); } catch { /* shown as the text it is */ }
    if (name === "connected") this.#client = body?.clientId ?? "";
    this.#on.event(name, body, isId(lastEventId) ? lastEventId : "");
    if (name === "disconnected") this.#close("disconnected by the server");
  }

  // A native EventSource does not say why it was refused, so the question is asked again where the answer can be read.
  async #refused(source, url) {
    this.#close("refused");
    const stop = new AbortController();
    try {
      const answer = await fetch(url, { signal: stop.signal, headers: { Accept: "text/event-stream" } });
      const problem = answer.ok ? {} : await answer.json();
      if (this.#source === null) this.#on.event("connect_error", problem, "");
    } catch {
      if (this.#source === null) this.#on.state("closed", "server not reachable");
    } finally {
      stop.abort();
    }
  }

  disconnect() {
    this.#close("disconnected");
  }

  #close(reason) {
    this.#source?.close();
    this.#source = null;
    this.#on.state("closed", reason);
  }

  async change({ join = [], leave = [] }) {
    const { token, ...open } = this.#identity;
    const url = new URL(`${this.#path().replace(/\/$/, "")}/${encodeURIComponent(this.#client)}/channels`, location.href);
    const headers = { "Content-Type": "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    else for (const [name, value] of Object.entries(open)) url.searchParams.set(name, value);
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ join, leave }) });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.detail ?? answer.title ?? `status ${response.status}`);
    const denied = answer.denied ?? [];
    return { joined: join.filter((name) => !denied.includes(name)), left: leave, denied };
  }
}
