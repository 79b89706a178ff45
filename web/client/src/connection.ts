// Keeps one connection up: chooses the transport, falls over to the other, waits between attempts, asks for tokens. All
// of it goes on from the last id, so nothing is missed and nothing comes twice.

import { refuse, type Driver, type DriverSink, type Log, type State } from "./driver.ts";
import { endpoint } from "./endpoint.ts";
import { openStream } from "./eventsource.ts";
import { coded, copy, fail, settled, unique, within, type Link } from "./link.ts";
import { Queue } from "./queue.ts";
import type { ClientError, Options, Transport } from "./types.ts";
import { openSocket } from "./websocket.ts";

/** Refusals that only other credentials mend, and those that nothing does. */
export const TOKEN = /^(unauthenticated|invalid_token|token_expired)$/, FINAL = /^(forbidden|validation|disconnected)$/;

/** How long a transport that failed where the other worked is not tried first, in ms. */
const BLOCKED = 60_000;

export function drive(o: Options, sink: DriverSink, log: Log): Driver {
  const timeout = o.timeout ?? 10_000, { min = 1000, max = 30_000 } = o.backoff ?? {};
  const fixed = o.transport && o.transport !== "auto" ? o.transport : undefined;
  const Socket = o.WebSocket ?? globalThis.WebSocket, Source = o.EventSource ?? globalThis.EventSource;
  const channels = new Set(o.channels), left = new Set<string>(), sessionId = unique();
  const queue = new Queue();
  let link: Link | undefined, transport: Transport = "socket.io";
  let status: State["status"] = "closed", lastId = o.since, pid: string | undefined, why = "";
  let round = 0, attempts = 0, failed: Transport | undefined, blockedUntil = 0;
  let timer: ReturnType<typeof setTimeout>, pinger: ReturnType<typeof setInterval>;

  function set(next: State["status"], change: Partial<State> = {}) {
    const was = status, reason = why;
    status = next;
    sink.state({ status, transport: undefined, ...change });
    // Handlers find the status as it is now.
    if (was === "connected" && was !== next) sink.event("disconnect", { reason }, "");
  }

  /** Begins a round of attempts, with the transport that is likelier to work. */
  function begin() {
    failed = undefined;
    open(fixed ?? (Date.now() < blockedUntil || !Socket ? "sse" : "socket.io"));
  }

  /** Asks the page, which may fail in any way. */
  async function credential(name: "getToken" | "getTicket"): Promise<string> {
    try {
      return (await within(o[name]!(), timeout, name)).trim(); // files and commands end their lines
    } catch (error) {
      throw fail("credentials", (error as Error)?.message ?? `${name}: ${error}`);
    }
  }

  async function open(by: Transport) {
    drop("reconnect");
    const mine = round, current = () => mine === round;
    const now = <Args extends unknown[]>(tell: (...args: Args) => void) => (...args: Args) => { if (current()) tell(...args); };
    transport = by;
    set(attempts || lastId !== o.since ? "reconnecting" : "connecting");
    if (!current()) return;
    try {
      if (!(by === "sse" ? Source : Socket)) throw fail("unsupported", `no ${by === "sse" ? "EventSource" : "WebSocket"} here`);
      const ticket = o.getTicket && await credential("getTicket");
      const token = o.getToken ? await credential("getToken") : o.token;
      if (!current()) return;
      const { userId, username } = o;
      const hello = { userId, username, token, ticket, channels: [...channels], sessionId, since: lastId, pid };
      const url = endpoint(o, by === "sse" ? o.ssePath ?? "/sse" : o.socketPath ?? "/socket.io/");
      log("connect", by, url.origin + url.pathname, lastId ? "since " + lastId : "");
      const told = {
        event: now(take), closed: now(lost), session: (id: string) => { pid = id; },
        alive: now((ms: number) => { if (status === "connected") patience(ms); }),
      };
      link = by === "sse"
        ? openStream(url, hello, { ...o, timeout, Source, ticket: o.getTicket && (() => credential("getTicket")) }, told)
        : openSocket(url, hello, timeout, Socket, told);
      // A network that swallows WebSockets says nothing: the other transport should not wait for long.
      patience(fixed || by === "sse" ? timeout : Math.min(timeout, 5000));
    } catch (error) {
      // One of the browser's own means that it has blocked the transport.
      if (current()) lost((error as Error).message, coded(error));
    }
  }

  /** How long the server may be silent from now on. */
  function patience(ms: number) {
    clearTimeout(timer);
    timer = setTimeout(() => lost("no sign of the server"), ms);
  }

  function take(name: string, value: any, id: string) {
    if (id) sink.state({ lastId: lastId = id });
    log(name, id);
    if (name === "connected" && status !== name) {
      const mine = round;
      attempts = 0;
      if (!fixed && failed) blockedUntil = transport === "sse" ? Date.now() + BLOCKED : 0;
      status = name; // so that what waited goes first
      if (left.size) request("unsubscribe", [{ channels: [...left] }]).catch(() => {}); // the next connection tries again
      queue.flush();
      if (mine === round) set(name, { transport, error: undefined, clientId: value?.clientId, connection: value });
      if (mine !== round) return; // a handler has closed it
      const every = transport === "sse" ? 0 : o.pingInterval ?? (fixed ? 3000 : 0);
      if (every) pinger = setInterval(() => link!.emit("ping", []), every);
    }
    if (name === "error") value = fail(value?.code, value?.message ?? value ?? "", value?.retryAfter);
    if (name === "auth:expiring" && o.getToken) {
      // When it fails, the server ends the connection, and the next one asks anew.
      credential("getToken").then((token) => request("auth:refresh", [{ token }])).catch((error) => log("token:", error.message));
    }
    sink.event(name, value, id);
  }

  /** Lets go of the link; what it still says is of a round that is over. */
  function drop(reason: string, ordered?: boolean) {
    why = reason;
    round++;
    clearTimeout(timer);
    clearInterval(pinger);
    link?.close(ordered);
    link = undefined;
  }

  function lost(reason: string, error?: ClientError) {
    const was = status;
    drop(reason);
    log("close", transport, reason, error?.code ?? "");
    const code = error?.code ?? "", renewable = o.getToken || o.getTicket;
    if (FINAL.test(code) || TOKEN.test(code) && !renewable) finish(error!, error);
    // Lost or blocked: the other transport may work where this one does not. A refusal would be the same there.
    else if (was !== "connected" && !fixed && !failed && /^(unsupported|not_found|network|)$/.test(code)) {
      failed = transport;
      blockedUntil = 0;
      open(transport === "sse" ? "socket.io" : "sse");
    } else {
      // Spread, so that a server that comes back is not met by all at once; never sooner than it asks for.
      const part = Math.random() / 2;
      const wait = Math.max((error?.retryAfter ?? 0) * 1000 * (1 + part), Math.min(max, min * 2 ** attempts++) * (1 - part));
      log("retry in", Math.round(wait), "ms");
      timer = setTimeout(begin, wait); // before any handler hears of it, which may close
      set("reconnecting", { error: error ?? fail("network", reason) });
    }
    if (code) sink.event("error", error, "");
  }

  function finish(error: ClientError, told?: ClientError) {
    listen("removeEventListener");
    queue.clear(error);
    set("closed", { error: told });
  }

  /** There is no network, or there is again, or the page is back: a page that was put away has lost its connection. */
  function wake({ type, persisted }: Partial<PageTransitionEvent>) {
    if (type === "offline") status === "connected" && lost(type);
    else if (persisted || status === "reconnecting" && !link) begin();
  }

  function listen(how: "addEventListener" | "removeEventListener") {
    for (const event of ["online", "offline", "pageshow"]) globalThis[how]?.(event, wake);
  }

  function reconnect() {
    attempts = 0;
    listen("addEventListener");
    begin();
  }

  /** Asks at once, or as soon as there is a connection. */
  async function request(event: string, args: unknown[]): Promise<any> {
    const ask = async () => settled(await link!.ask(event, args));
    if (status === "connected") return ask();
    if (status === "closed") throw fail(status, status);
    return queue.request(ask, timeout);
  }

  function emit(event: string, args: unknown[]): boolean {
    const connected = status === "connected";
    if (status === "closed") return refuse(sink, event, status);
    if ((connected ? transport : fixed) === "sse") return refuse(sink, event, "unsupported");
    if (!connected) {
      const sent = copy(args);
      return queue.add(() => emit(event, sent)) || refuse(sink, event, "unavailable");
    }
    link!.emit(event, args);
    return true;
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
      for (const name of join) {
        left.delete(name);
        channels.add(name); // at once: who waits in vain for the answer is in it when there is a connection
      }
      if (leave.length) await request("unsubscribe", [{ channels: leave }]);
      if (!join.length) return { joined: [], denied: [] };
      const { denied = [] } = await request("subscribe", [{ channels: join }]).catch((error) => {
        // Refused as a whole, not for want of a connection: the next one would be refused for it.
        if (status === "connected") for (const name of join) channels.delete(name);
        throw error;
      });
      for (const name of denied) channels.delete(name);
      return { joined: join.filter((name) => !denied.includes(name)), denied };
    },
    close() {
      drop("closed", true);
      log("close");
      finish(fail("closed", "closed"));
    },
  };
}
