// Keeps one connection up: chooses the transport, falls over to the other, waits between attempts, asks for tokens. All
// of it goes on from the last id, so nothing is missed and nothing comes twice.

import { openStream } from "./eventsource.ts";
import { fail, settled, unique, within, type Link } from "./link.ts";
import type { Client, ClientError, Options, Transport } from "./types.ts";
import { openSocket } from "./websocket.ts";

/** What can be read of a connection. */
export type State = Pick<Client, "status" | "transport" | "error" | "clientId" | "connection" | "lastId">;

/** What a client is told by its driver. */
export interface DriverSink {
  event(name: string, value: any, id: string): void;
  state(change: Partial<State>): void;
}

/** What a client drives: a connection of its own, or a share in one. */
export interface Driver {
  emit(event: string, args: unknown[]): boolean;
  ask(event: string, args: unknown[]): Promise<any>;
  /** Joins and leaves, for this connection and those after it. */
  change(join: readonly string[], leave: readonly string[]): Promise<{ joined: string[]; denied: string[] }>;
  reconnect(): void;
  close(): void;
}

/** Refusals that only other credentials mend, and those that nothing does. */
export const TOKEN = ["unauthenticated", "invalid_token", "token_expired"];
const FINAL = ["forbidden", "validation", "disconnected", "not_found", ...TOKEN];

const MAX_QUEUE = 20;

/** How long a transport that failed where the other worked is not tried first, in ms. */
const BLOCKED = 60_000;

/** The url of a path at the server; the page's own origin where none is named. */
export function endpoint(o: Options, path: string): URL {
  const url = new URL(o.url ?? "/", globalThis.location?.href);
  url.pathname = url.pathname.replace(/\/$/, "") + path;
  url.search = url.hash = "";
  return url;
}

export type Log = (...what: unknown[]) => void;

export function drive(o: Options, sink: DriverSink, log: Log): Driver {
  const timeout = o.timeout ?? 10_000, { min = 1000, max = 30_000 } = o.backoff ?? {};
  const fixed = o.transport && o.transport !== "auto" ? o.transport : undefined;
  const Socket = o.WebSocket ?? globalThis.WebSocket, Source = o.EventSource ?? globalThis.EventSource;
  const channels = new Set(o.channels), left = new Set<string>(), sessionId = unique();
  const queue: [string, unknown[]][] = [], waiting = new Set<[(link: Link) => void, (error: Error) => void]>();
  let link: Link | undefined, transport: Transport = "socket.io";
  let status: State["status"] = "closed", lastId = o.since, pid: string | undefined;
  let round = 0, attempts = 0, failed: Transport | undefined, blockedUntil = 0;
  let timer: ReturnType<typeof setTimeout>, pinger: ReturnType<typeof setInterval>;

  function set(next: State["status"], change: Partial<State> = {}) {
    status = next;
    sink.state({ status, transport: undefined, ...change });
  }

  const other = (): Transport => transport === "sse" ? "socket.io" : "sse";

  /** Begins a round of attempts, with the transport that is likelier to work. */
  function begin() {
    failed = undefined;
    open(fixed ?? (Date.now() < blockedUntil || !Socket ? "sse" : "socket.io"));
  }

  async function open(by: Transport) {
    drop();
    const mine = round, current = () => mine === round;
    transport = by;
    set(attempts || lastId !== o.since ? "reconnecting" : "connecting");
    try {
      if (!(by === "sse" ? Source : Socket)) throw fail("unsupported", `no ${by === "sse" ? "EventSource" : "WebSocket"} here`);
      const ticket = o.getTicket && await within(o.getTicket(), timeout, "getTicket");
      const token = o.getToken ? await within(o.getToken(), timeout, "getToken") : o.token;
      if (!current()) return;
      const { userId, username } = o;
      const hello = { userId, username, token, ticket, channels: [...channels], sessionId, since: lastId, pid };
      const url = endpoint(o, by === "sse" ? o.ssePath ?? "/sse" : o.socketPath ?? "/socket.io/");
      log("connect", by, url.origin + url.pathname, lastId ? "since " + lastId : "");
      const told = {
        event: (name: string, value: any, id: string) => { if (current()) take(name, value, id); },
        closed: (reason: string, error?: ClientError) => { if (current()) lost(reason, error); },
        session: (id: string) => { pid = id; },
      };
      link = by === "sse"
        ? openStream(url, hello, { timeout, Source, withCredentials: !!o.withCredentials, tokenInUrl: !!o.tokenInUrl,
            ticket: o.getTicket && (async () => within(o.getTicket!(), timeout, "getTicket")) }, told)
        // A network that swallows WebSockets says nothing: the other transport should not wait for long.
        : openSocket(url, hello, fixed ? timeout : Math.min(timeout, 5000), Socket, told);
    } catch (error) {
      const { message, code } = error as ClientError;
      if (current()) lost(message, code ? error as ClientError : fail("credentials", message));
    }
  }

  function take(name: string, value: any, id: string) {
    if (id) sink.state({ lastId: lastId = id });
    log(name, id);
    if (name === "connected") {
      attempts = 0;
      if (!fixed && failed) blockedUntil = transport === "sse" ? Date.now() + BLOCKED : 0;
      set("connected", { transport, error: undefined, clientId: value.clientId, connection: value });
      if (left.size) request("unsubscribe", [{ channels: [...left] }]).catch((error) => log("unsubscribe", error.message));
      for (const [resolve] of waiting) resolve(link!);
      waiting.clear();
      for (const [event, args] of queue.splice(0)) emit(event, args);
      const every = transport === "sse" ? 0 : o.pingInterval ?? (fixed ? 3000 : 0);
      if (every) pinger = setInterval(() => link!.emit("ping", []), every);
    }
    if (name === "error") value = fail(value.code, value.message, value.retryAfter);
    if (name === "auth:expiring" && o.getToken) refresh();
    sink.event(name, value, id);
  }

  async function refresh() {
    try {
      await request("auth:refresh", [{ token: await within(o.getToken!(), timeout, "getToken") }]);
      log("token renewed");
    } catch (error) {
      log("token not renewed:", (error as Error).message); // the server ends the connection, and the next one asks anew
    }
  }

  /** Lets go of the link; what it still says is of a round that is over. */
  function drop(ordered?: boolean) {
    round++;
    clearTimeout(timer);
    clearInterval(pinger);
    link?.close(ordered);
    link = undefined;
  }

  function lost(reason: string, error?: ClientError) {
    const was = status;
    drop();
    log("close", transport, reason, error?.code ?? "");
    const code = error?.code ?? "", renewable = TOKEN.includes(code) && (o.getToken || o.getTicket);
    if (FINAL.includes(code) && !renewable) finish(error!);
    // Lost or blocked: the other transport may work where this one does not. A refusal would be the same there.
    else if (was !== "connected" && !fixed && !failed && (!code || code === "unsupported")) {
      failed = transport;
      blockedUntil = 0;
      open(other());
    } else {
      // Spread, so that a server that comes back is not met by all at once; never sooner than it asks for.
      const part = Math.random() / 2;
      const wait = Math.max((error?.retryAfter ?? 0) * 1000 * (1 + part), Math.min(max, min * 2 ** attempts++) * (1 - part));
      log("retry in", Math.round(wait), "ms");
      set("reconnecting", { error: error ?? fail("network", reason) });
      timer = setTimeout(begin, wait);
    }
    // Handlers find the status as it is now.
    if (was === "connected") sink.event("disconnect", { reason }, "");
    if (code && code !== "timeout") sink.event("error", error, "");
  }

  function finish(error: ClientError) {
    for (const event of WAKING) globalThis.removeEventListener?.(event, wake);
    for (const [, reject] of waiting) reject(error);
    waiting.clear();
    queue.length = 0;
    set("closed", { error });
  }

  /** The network is back, or the page: there is nothing to wait for. */
  function wake() {
    if (status === "reconnecting" && !link) begin();
  }

  function reconnect() {
    drop();
    attempts = 0;
    for (const event of WAKING) globalThis.addEventListener?.(event, wake);
    begin();
  }

  /** Resolves with the link that is connected, now or soon. */
  function ready(): Promise<Link> {
    if (status === "connected") return Promise.resolve(link!);
    if (status === "closed") return Promise.reject(fail("closed", "the connection is closed"));
    let entry: [(link: Link) => void, (error: Error) => void];
    const later = new Promise<Link>((...settle) => waiting.add(entry = settle));
    return within(later, timeout, "connect").finally(() => waiting.delete(entry));
  }

  async function request(event: string, args: unknown[]) {
    return settled(await (await ready()).ask(event, args));
  }

  function emit(event: string, args: unknown[]) {
    const connected = status === "connected";
    const refusal = status === "closed" ? "closed" : (connected ? transport : fixed) === "sse" ? "unsupported"
      : !connected && queue.length >= MAX_QUEUE && "unavailable";
    if (refusal) sink.event("error", fail(refusal, `${event} cannot be sent now`), "");
    else if (connected) link!.emit(event, args);
    else queue.push([event, args]);
    return !refusal;
  }

  reconnect();
  return {
    reconnect,
    ask: request,
    emit,
    async change(join, leave) {
      for (const name of leave) {
        channels.delete(name);
        left.add(name);
      }
      for (const name of join) left.delete(name);
      if (leave.length) await request("unsubscribe", [{ channels: leave }]);
      if (!join.length) return { joined: [], denied: [] };
      const { denied = [] } = await request("subscribe", [{ channels: join }]);
      const joined = join.filter((name) => !denied.includes(name));
      for (const name of joined) channels.add(name);
      return { joined, denied };
    },
    close() {
      const was = status;
      drop(true);
      log("close");
      finish(fail("closed", "closed"));
      sink.state({ error: undefined });
      if (was === "connected") sink.event("disconnect", { reason: "closed" }, "");
    },
  };
}

const WAKING = ["online", "pageshow"];
