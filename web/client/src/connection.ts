// Keeps one connection up: opens links, resumes each from the last id, and asks the page for
// credentials. Nothing is missed and nothing comes twice.

import { refuse, type Driver, type DriverSink, type Log, type State } from "./driver.ts";
import { acknowledged, clientError, isFinal, withCode } from "./errors.ts";
import { copy, uniqueId, type Link, type LinkSink } from "./link.ts";
import { askPage, prepare, timeoutOf } from "./open.ts";
import { Queue } from "./queue.ts";
import { Rounds } from "./rounds.ts";
import type { ClientError, Joined, Options, Transport } from "./types.ts";

export class Connection implements Driver {
  readonly #options: Options;
  readonly #sink: DriverSink;
  readonly #log: Log;
  readonly #timeout: number;
  /** The channels that the next handshake joins. */
  readonly #channels: Set<string>;
  /** The channels that this client left, which the server may join for every client (`general`). */
  readonly #left = new Set<string>();
  readonly #sessionId = uniqueId();
  readonly #queue = new Queue();
  readonly #rounds: Rounds;
  #link: Link | undefined;
  #transport: Transport = "socket.io";
  #status: State["status"] = "closed";
  #lastId: string | undefined;
  #pid: string | undefined;
  /** Why the last link ended. */
  #reason = "";
  /** The number of the current attempt. What an earlier attempt waited for is dropped. */
  #attempt = 0;
  /** For the next sign of life of the server, or for the next round. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pinger: ReturnType<typeof setInterval> | undefined;

  constructor(options: Options, sink: DriverSink, log: Log) {
    this.#options = options;
    this.#sink = sink;
    this.#log = log;
    this.#timeout = timeoutOf(options);
    this.#channels = new Set(options.channels);
    this.#lastId = options.since;
    this.#rounds = new Rounds(options);
    this.reconnect();
  }

  emit(event: string, args: unknown[], tab?: string): boolean {
    const connected = this.#status === "connected";
    const transport = connected ? this.#transport : this.#rounds.fixed;
    if (this.#status === "closed") return refuse(this.#sink, event, "closed", tab);
    if (transport === "sse") return refuse(this.#sink, event, "unsupported", tab);
    if (!connected) {
      const sent = copy(args), queued = this.#queue.add(() => this.emit(event, sent, tab));
      return queued || refuse(this.#sink, event, "unavailable", tab);
    }
    this.#link!.emit(event, args, tab);
    return true;
  }

  async ask(event: string, args: unknown[], tab?: string): Promise<any> {
    if (this.#status === "closed") throw clientError("closed", "closed");
    const connected = this.#status === "connected", sent = connected ? args : copy(args);
    const send = async () => acknowledged(await this.#link!.ask(event, sent, tab));
    return connected ? send() : this.#queue.request(send, this.#timeout);
  }

  async change(join: readonly string[], leave: readonly string[], tab?: string): Promise<Joined> {
    for (const name of leave) {
      this.#channels.delete(name);
      this.#left.add(name);
    }
    const added = join.filter((name) => !this.#channels.has(name));
    for (const name of join) {
      this.#left.delete(name);
      this.#channels.add(name); // before the answer: without one, the next connection joins it
    }
    if (leave.length) await this.ask("unsubscribe", [{ channels: leave }], tab);
    if (!join.length) return { joined: [], denied: [] };
    try {
      const { denied = [] } = await this.ask("subscribe", [{ channels: join }], tab);
      for (const name of denied) this.#channels.delete(name);
      return { joined: join.filter((name) => !denied.includes(name)), denied };
    } catch (error) {
      // The server refused the request as a whole. It would refuse a handshake with these channels.
      if (this.#status === "connected") { for (const name of added) this.#channels.delete(name); }
      throw error;
    }
  }

  reconnect(): void {
    this.#rounds.count = 0;
    this.#listen("addEventListener");
    this.#begin();
  }

  close(): void {
    this.#drop("closed", true);
    this.#log("close");
    this.#finish(clientError("closed", "closed"));
  }

  #listen(how: "addEventListener" | "removeEventListener"): void {
    for (const event of ["online", "offline", "pageshow"]) globalThis[how]?.(event, this.#wake);
  }

  /**
   * Follows the network and the page cache of the browser. A page that comes back from the cache
   * has lost its connection.
   */
  readonly #wake = ({ type, persisted }: Partial<PageTransitionEvent>): void => {
    if (type === "offline") this.#status === "connected" && this.#lose(type);
    else if (persisted || this.#status === "reconnecting" && !this.#link) this.#begin();
  };

  #set(status: State["status"], change: Partial<State> = {}): void {
    const before = this.#status, reason = this.#reason;
    this.#status = status;
    this.#sink.state({ status, transport: undefined, ...change });
    // Last, so that the handlers of the event find the new status.
    if (before === "connected" && before !== status) this.#sink.event("disconnect", { reason }, "");
  }

  #begin(): void {
    void this.#open(this.#rounds.begin());
  }

  /** Makes one attempt. */
  async #open(transport: Transport): Promise<void> {
    this.#drop("reconnect");
    const attempt = this.#attempt, since = this.#lastId, { getToken, getTicket } = this.#options;
    this.#transport = transport;
    const isFirst = !this.#rounds.count && since === this.#options.since;
    this.#set(isFirst ? "connecting" : "reconnecting");
    if (attempt !== this.#attempt) return; // a handler closed the client, or connected again
    try {
      const { url, open } = prepare(transport, this.#options);
      // Without these functions the link opens before the caller of `connect` continues.
      const ticket = getTicket && await askPage(this.#options, "getTicket");
      const token = getToken ? await askPage(this.#options, "getToken") : this.#options.token;
      if (attempt !== this.#attempt) return;
      this.#log("connect", transport, url.origin + url.pathname, since ? "since " + since : "");
      const { userId, username, shared: target } = this.#options, sessionId = this.#sessionId, pid = this.#pid;
      const channels = [...this.#channels];
      this.#link = open(
        { userId, username, token, ticket, since, pid, sessionId, channels, target },
        this.#received,
      );
      this.#expect(this.#rounds.patience(transport, this.#timeout));
    } catch (error) {
      // An error of the browser means that it blocks the transport.
      if (attempt === this.#attempt) this.#lose((error as Error).message, withCode(error));
    }
  }

  /** Gives up the link when the server sends nothing within ms. */
  #expect(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lose("no sign of the server"), ms);
  }

  /** Receives what the link reports. */
  readonly #received: LinkSink = {
    event: (name, value, id, tab, channels) => {
      if (id) this.#sink.state({ lastId: this.#lastId = id });
      this.#log(name, id);
      if (name === "connected" && this.#status !== name && !this.#connect(value)) return;
      if (name === "error") {
        value = clientError(value?.code, value?.message ?? value ?? "", value?.retryAfter);
      }
      if (name === "auth:expiring" && this.#options.getToken) void this.#refresh();
      this.#sink.event(name, value, id, tab, channels);
    },
    closed: (reason, error) => this.#lose(reason, error),
    alive: (ms) => {
      if (this.#status === "connected") this.#expect(ms);
    },
    session: (pid) => void (this.#pid = pid),
  };

  /**
   * Takes the first event of a link. Returns false when a handler closed the client, or connected
   * again.
   */
  #connect(connection: any): boolean {
    const attempt = this.#attempt, transport = this.#transport, stream = transport === "sse";
    this.#rounds.end(transport);
    this.#status = "connected"; // before the handlers run: what waits goes before what they send
    // When this fails, the next connection tries it again.
    if (this.#left.size) this.ask("unsubscribe", [{ channels: [...this.#left] }]).catch(() => {});
    this.#queue.flush();
    if (attempt !== this.#attempt) return false;
    const { clientId } = connection ?? {};
    this.#set("connected", { transport, error: undefined, clientId, connection });
    if (attempt !== this.#attempt) return false;
    const { pingInterval = this.#rounds.fixed ? 3000 : 0, shared } = this.#options;
    const ping = () => this.#link!.emit("ping", [], shared ? "" : undefined);
    if (pingInterval && !stream) this.#pinger = setInterval(ping, pingInterval);
    return true;
  }

  /**
   * Sends the server a new token. When that fails, the server ends the connection, and the next one
   * asks the page again.
   */
  async #refresh(): Promise<void> {
    try {
      await this.ask("auth:refresh", [{ token: await askPage(this.#options, "getToken") }]);
    } catch (error) {
      this.#log("token:", (error as Error).message);
    }
  }

  /** Ends the attempt and its link. ordered: tells the server first. */
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
    const connected = this.#status === "connected", code = error?.code ?? "";
    this.#drop(reason);
    this.#log("close", this.#transport, reason, code);
    const final = isFinal(code, this.#options);
    const next = final || connected ? undefined : this.#rounds.next(this.#transport, code);
    if (final) this.#finish(error!, error);
    else if (next) void this.#open(next);
    else {
      const wait = this.#rounds.wait(error?.retryAfter);
      this.#log("retry in", Math.round(wait), "ms");
      // Before the handlers run, which may close.
      this.#timer = setTimeout(() => this.#begin(), wait);
      this.#set("reconnecting", { error: error ?? clientError("network", reason) });
    }
    if (code) this.#sink.event("error", error, "");
  }

  /** Ends for good. error: rejects the requests that wait. shown: the state's error. */
  #finish(error: ClientError, shown?: ClientError): void {
    this.#listen("removeEventListener");
    this.#queue.clear(error);
    this.#set("closed", { error: shown });
  }
}
