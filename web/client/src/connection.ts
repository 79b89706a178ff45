// Keeps one connection up: opens links, resumes each from the last id, and asks the page for credentials. Nothing is
// missed and nothing comes twice.

import { refuse, type Driver, type DriverSink, type Log, type State } from "./driver.ts";
import { endpoint } from "./endpoint.ts";
import { openStream } from "./eventsource.ts";
import { coded, copy, fail, settled, unique, within, type Hello, type Link, type LinkSink } from "./link.ts";
import { Queue } from "./queue.ts";
import { Rounds } from "./rounds.ts";
import type { ClientError, Joined, Options, Transport } from "./types.ts";
import { openSocket } from "./websocket.ts";

/** Refusals that other credentials may end. */
export const TOKEN = /^(unauthenticated|invalid_token|token_expired)$/;

/** Refusals that no retry ends. */
const FINAL = /^(forbidden|validation|disconnected)$/;

/** How long a WebSocket may take to connect before EventSource is tried, in ms: some networks swallow WebSockets silently. */
const SOCKET_PATIENCE = 5000;

export class Connection implements Driver {
  readonly #options: Options;
  readonly #sink: DriverSink;
  readonly #log: Log;
  readonly #timeout: number;
  /** What the next handshake joins. */
  readonly #channels: Set<string>;
  /** Channels that the server may join for every client, and that this client left. */
  readonly #left = new Set<string>();
  readonly #sessionId = unique();
  readonly #queue = new Queue();
  readonly #rounds: Rounds;
  #link: Link | undefined;
  #transport: Transport = "socket.io";
  #status: State["status"] = "closed";
  #lastId: string | undefined;
  #pid: string | undefined;
  /** Why the link ended. */
  #reason = "";
  /** Counts the attempts. What an earlier attempt waited for is dropped. */
  #attempt = 0;
  /** Ends the wait for the server, or the wait between two rounds. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pinger: ReturnType<typeof setInterval> | undefined;

  constructor(options: Options, sink: DriverSink, log: Log) {
    this.#options = options;
    this.#sink = sink;
    this.#log = log;
    this.#timeout = options.timeout ?? 10_000;
    this.#channels = new Set(options.channels);
    this.#lastId = options.since;
    this.#rounds = new Rounds(options);
    this.reconnect();
  }

  emit(event: string, args: unknown[], tab?: string): boolean {
    const connected = this.#status === "connected", transport = connected ? this.#transport : this.#rounds.fixed;
    if (this.#status === "closed") return refuse(this.#sink, event, "closed", tab);
    if (transport === "sse") return refuse(this.#sink, event, "unsupported", tab);
    if (!connected) {
      const sent = copy(args);
      return this.#queue.add(() => this.emit(event, sent, tab)) || refuse(this.#sink, event, "unavailable", tab);
    }
    this.#link!.emit(event, args, tab);
    return true;
  }

  async ask(event: string, args: unknown[], tab?: string): Promise<any> {
    const send = async () => settled(await this.#link!.ask(event, args, tab));
    if (this.#status === "connected") return send();
    if (this.#status === "closed") throw fail("closed", "closed");
    return this.#queue.request(send, this.#timeout);
  }

  async change(join: readonly string[], leave: readonly string[], tab?: string): Promise<Joined> {
    for (const name of leave) {
      this.#channels.delete(name);
      this.#left.add(name);
    }
    const added = join.filter((name) => !this.#channels.has(name));
    for (const name of join) {
      this.#left.delete(name);
      this.#channels.add(name); // before the answer: when none comes, the next connection joins it
    }
    if (leave.length) await this.ask("unsubscribe", [{ channels: leave }], tab);
    if (!join.length) return { joined: [], denied: [] };
    const { denied = [] } = await this.ask("subscribe", [{ channels: join }], tab).catch((error) => {
      // The server refused the request as a whole. It would refuse a handshake with these channels too.
      if (this.#status === "connected") for (const name of added) this.#channels.delete(name);
      throw error;
    });
    for (const name of denied) this.#channels.delete(name);
    return { joined: join.filter((name) => !denied.includes(name)), denied };
  }

  reconnect(): void {
    this.#rounds.count = 0;
    this.#listen("addEventListener");
    this.#begin();
  }

  close(): void {
    this.#drop("closed", true);
    this.#log("close");
    this.#finish(fail("closed", "closed"));
  }

  #listen(how: "addEventListener" | "removeEventListener"): void {
    for (const event of ["online", "offline", "pageshow"]) globalThis[how]?.(event, this.#wake);
  }

  /** Follows the browser's network, and its cache of pages: a page that comes back from there has lost its connection. */
  readonly #wake = ({ type, persisted }: Partial<PageTransitionEvent>): void => {
    if (type === "offline") this.#status === "connected" && this.#lose(type);
    else if (persisted || this.#status === "reconnecting" && !this.#link) this.#begin();
  };

  #set(status: State["status"], change: Partial<State> = {}): void {
    const before = this.#status, reason = this.#reason;
    this.#status = status;
    this.#sink.state({ status, transport: undefined, ...change });
    // Last, so that its handlers find the new status.
    if (before === "connected" && before !== status) this.#sink.event("disconnect", { reason }, "");
  }

  #begin(): void {
    void this.#open(this.#rounds.begin());
  }

  /** Makes one attempt. */
  async #open(transport: Transport): Promise<void> {
    this.#drop("reconnect");
    const attempt = this.#attempt, o = this.#options, timeout = this.#timeout, since = this.#lastId;
    this.#transport = transport;
    this.#set(this.#rounds.count || since !== o.since ? "reconnecting" : "connecting");
    if (attempt !== this.#attempt) return; // a handler closed, or connected again
    try {
      const sse = transport === "sse", Source = o.EventSource ?? globalThis.EventSource, Socket = o.WebSocket ?? globalThis.WebSocket;
      if (!(sse ? Source : Socket)) throw fail("unsupported", `no ${sse ? "EventSource" : "WebSocket"} here`);
      const getTicket = o.getTicket && (() => this.#credential("getTicket"));
      // Without these functions the link opens in the call that asked for it.
      const ticket = getTicket && await getTicket();
      const token = o.getToken ? await this.#credential("getToken") : o.token;
      if (attempt !== this.#attempt) return;
      const url = endpoint(o, sse ? o.ssePath ?? "/sse" : o.socketPath ?? "/socket.io/");
      this.#log("connect", transport, url.origin + url.pathname, since ? "since " + since : "");
      const hello: Hello = {
        userId: o.userId, username: o.username, token, ticket, since, pid: this.#pid, sessionId: this.#sessionId, channels: [...this.#channels],
      };
      this.#link = sse ? openStream(url, hello, { ...o, timeout, Source, getTicket }, this.#received)
        : openSocket(url, hello, { timeout, Socket }, this.#received);
      this.#expect(this.#rounds.fixed || sse ? timeout : Math.min(timeout, SOCKET_PATIENCE));
    } catch (error) {
      // An error of the browser means that it blocks the transport.
      if (attempt === this.#attempt) this.#lose((error as Error).message, coded(error));
    }
  }

  /** Calls a function of the page, which may fail in any way. */
  async #credential(name: "getToken" | "getTicket"): Promise<string> {
    try {
      return (await within(this.#options[name]!(), this.#timeout, name)).trim(); // files and commands end their lines
    } catch (error) {
      throw fail("credentials", (error as Error)?.message ?? `${name}: ${error}`);
    }
  }

  /** Gives the server ms for its next sign of life. */
  #expect(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lose("no sign of the server"), ms);
  }

  /** Receives what the link reports. */
  readonly #received: LinkSink = {
    event: (name, value, id, tab) => {
      if (id) this.#sink.state({ lastId: this.#lastId = id });
      this.#log(name, id);
      if (name === "connected" && this.#status !== name && !this.#connect(value)) return;
      if (name === "error") value = fail(value?.code, value?.message ?? value ?? "", value?.retryAfter);
      if (name === "auth:expiring" && this.#options.getToken) void this.#refresh();
      this.#sink.event(name, value, id, tab);
    },
    closed: (reason, error) => this.#lose(reason, error),
    alive: (ms) => {
      if (this.#status === "connected") this.#expect(ms);
    },
    session: (pid) => {
      this.#pid = pid;
    },
  };

  /** Takes the first event of a link. Returns false when a handler closed, or connected again. */
  #connect(connection: any): boolean {
    const attempt = this.#attempt, transport = this.#transport, { pingInterval, shared } = this.#options;
    this.#rounds.end(transport);
    this.#status = "connected"; // before the handlers know, so that what waits is sent before what they send
    if (this.#left.size) this.ask("unsubscribe", [{ channels: [...this.#left] }]).catch(() => {}); // the next connection tries again
    this.#queue.flush();
    if (attempt === this.#attempt) this.#set("connected", { transport, error: undefined, clientId: connection?.clientId, connection });
    if (attempt !== this.#attempt) return false;
    const interval = transport === "sse" ? 0 : pingInterval ?? (this.#rounds.fixed ? 3000 : 0);
    if (interval) this.#pinger = setInterval(() => this.#link!.emit("ping", [], shared ? "" : undefined), interval);
    return true;
  }

  /** Shows the server a new token. When that fails, the server ends the connection, and the next one asks the page again. */
  async #refresh(): Promise<void> {
    try {
      await this.ask("auth:refresh", [{ token: await this.#credential("getToken") }]);
    } catch (error) {
      this.#log("token:", (error as Error).message);
    }
  }

  /** Ends the attempt and its link. ordered: the server is told. */
  #drop(reason: string, ordered?: boolean): void {
    this.#reason = reason;
    this.#attempt++;
    clearTimeout(this.#timer);
    clearInterval(this.#pinger);
    this.#link?.close(ordered);
    this.#link = undefined;
  }

  /** Decides what follows the end of a link. */
  #lose(reason: string, error?: ClientError): void {
    const connected = this.#status === "connected", code = error?.code ?? "", { getToken, getTicket } = this.#options;
    this.#drop(reason);
    this.#log("close", this.#transport, reason, code);
    const final = FINAL.test(code) || TOKEN.test(code) && !getToken && !getTicket;
    const next = final || connected ? undefined : this.#rounds.next(this.#transport, code);
    if (final) this.#finish(error!, error);
    else if (next) void this.#open(next);
    else {
      const wait = this.#rounds.wait(error?.retryAfter);
      this.#log("retry in", Math.round(wait), "ms");
      this.#timer = setTimeout(() => this.#begin(), wait); // before the handlers know, because they may close
      this.#set("reconnecting", { error: error ?? fail("network", reason) });
    }
    if (code) this.#sink.event("error", error, "");
  }

  /** Ends for good. error: for the requests that wait. shown: as the reason. */
  #finish(error: ClientError, shown?: ClientError): void {
    this.#listen("removeEventListener");
    this.#queue.clear(error);
    this.#set("closed", { error: shown });
  }
}
