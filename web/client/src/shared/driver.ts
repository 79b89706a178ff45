// One connection for all tabs of a browser with the same options. One tab leads: it has the
// connection and passes the events on to the others. The next leader resumes from the last id that
// it received.

import { refuse, type Driver, type DriverSink, type Log, type State } from "../driver.ts";
import { clientError } from "../errors.ts";
import { copy, uniqueId } from "../link.ts";
import { timeoutOf } from "../open.ts";
import { Pending } from "../pending.ts";
import { Queue } from "../queue.ts";
import type { Joined, Options } from "../types.ts";
import { openBus, plain, revived, type Bus, type Messages, type Method } from "./bus.ts";
import { Channels, without } from "./channels.ts";
import { elect, type Election } from "./election.ts";
import { Leader } from "./leader.ts";

/**
 * How long a leader may be silent before a tab asks whether it is there, in ms. The server sends
 * events more often.
 */
const SILENCE = 90_000;

export class SharedDriver implements Driver {
  readonly #name: string;
  readonly #options: Options;
  readonly #sink: DriverSink;
  readonly #log: Log;
  readonly #timeout: number;
  readonly #tab = uniqueId();
  readonly #election: Election;
  readonly #channels = new Channels(this.#tab);
  /** Calls that wait for a leader, and those that wait for its answer. */
  readonly #queue = new Queue();
  readonly #calls = new Pending();
  #bus: Bus | undefined;
  /** While this tab leads. */
  #leader: Leader | undefined;
  #state: Partial<State> = {};
  /** Whether there is a leader to call. */
  #led = false;
  /** Whether this tab has not yet received the state of the leader's connection. */
  #fresh = true;
  /** The id of the newest notification that this tab delivered. */
  #delivered = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** name: of the lock and the bus; the same for all tabs that share the connection. */
  constructor(name: string, options: Options, sink: DriverSink, log: Log) {
    this.#name = name;
    this.#options = { ...options };
    this.#sink = sink;
    this.#log = log;
    this.#timeout = timeoutOf(options);
    this.#channels.set(this.#tab, options.channels ?? []);
    this.#election = elect(name, () => this.#lead(), () => this.#depose());
    this.#start();
  }

  emit(event: string, args: unknown[]): boolean {
    if (this.#state.status === "closed") return refuse(this.#sink, event, "closed");
    const sent = copy(args), send = () => this.#call("", "emit", [event, sent]);
    if (!this.#led) return this.#queue.add(send) || refuse(this.#sink, event, "unavailable");
    send();
    return true;
  }

  async ask(event: string, args: unknown[]): Promise<any> {
    return this.#request(event, "ask", [event, copy(args)]);
  }

  async change(join: readonly string[], leave: readonly string[]): Promise<Joined> {
    // The leader leaves a channel when no tab declares it. A tab declares its channels before it
    // calls, so of two tabs that leave a channel at the same time the leader sees one as the last.
    const { own } = this.#channels, added = join.filter((channel) => !own.includes(channel));
    this.#declare([...without(own, leave), ...join]);
    try {
      const result: Joined = await this.#request("join", "change", [join, leave]);
      if (result.denied.length) this.#declare(without(this.#channels.own, result.denied));
      return result;
    } catch (error) {
      // As in Connection: channels that the server refused are dropped, channels without an answer
      // are joined later.
      if (this.#state.status === "connected") this.#declare(without(this.#channels.own, added));
      throw error;
    }
  }

  reconnect(): void {
    if (!this.#bus) this.#start();
    else if (this.#leader) this.#leader.reconnect();
    else {
      this.#post("reconnect", this.#options.token);
      this.#doubt();
    }
  }

  close(): void {
    this.#end();
    globalThis.removeEventListener("pagehide", this.#end);
    clearTimeout(this.#timer);
    const leader = this.#leader, { status } = this.#state;
    this.#leader = undefined;
    this.#bus?.close();
    this.#bus = undefined; // before the connection closes: for the other tabs it does not
    this.#election.leave();
    this.#led = false;
    for (const calls of [this.#queue, this.#calls]) calls.clear(clientError("closed", "closed"));
    if (leader) return leader.close();
    this.#apply({ status: "closed", transport: undefined, error: undefined });
    if (status === "connected") this.#sink.event("disconnect", { reason: "closed" }, "");
  }

  /** Tells the other tabs that this one ends. A page in the browser's cache may come back. */
  readonly #end = (event?: Partial<PageTransitionEvent>): void => {
    if (!event?.persisted) this.#post("gone", this.#tab, !!this.#leader);
  };

  readonly #post: Bus["post"] = (...message) => this.#bus?.post(...message);

  #start(): void {
    this.#bus = openBus(this.#name, this.#messages);
    this.#channels.reset();
    this.#apply({ status: "connecting" });
    globalThis.addEventListener("pagehide", this.#end);
    this.#election.run();
    this.#doubt();
  }

  #lead(): void {
    clearTimeout(this.#timer);
    this.#log("leads");
    const since = this.#state.lastId ?? this.#options.since;
    this.#leader = new Leader({ ...this.#options, since }, this.#channels, this.#reports, this.#log);
    this.#follow();
  }

  /** Becomes a follower again: the browser froze this tab, and another one took the lead. */
  #depose(): void {
    this.#leader?.depose();
    this.#leader = undefined;
    this.#apply({ status: "reconnecting", transport: undefined });
    this.#election.run();
    this.#doubt();
  }

  /** Asks the leader for its state, and takes the lead when it does not answer. */
  #doubt(): void {
    this.#post("hello", this.#tab, this.#channels.own);
    this.#wait(() => this.#election.run(true), this.#timeout);
  }

  #wait(then: () => void, ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms);
  }

  /** Makes the calls that waited for a leader. */
  #follow(): void {
    this.#led = true;
    this.#queue.flush();
  }

  async #request(what: string, method: Method, args: unknown[]): Promise<any> {
    if (this.#state.status === "closed") throw clientError("closed", "closed");
    const send = () =>
      this.#calls.ask(what, this.#timeout, undefined, (id) => this.#call(id, method, args));
    return this.#led ? send() : this.#queue.request(send, this.#timeout);
  }

  /** Calls a method of the leader's connection. id: "" where no answer is wanted. */
  #call(id: string, method: Method, args: unknown[]): void {
    if (this.#leader) this.#messages.call(this.#tab, id, method, args);
    else this.#post("call", this.#tab, id, method, args);
  }

  /** Tells all tabs which channels this one is in. */
  #declare(channels: readonly string[]): void {
    this.#channels.set(this.#tab, channels);
    this.#post("channels", this.#tab, this.#channels.own);
  }

  #apply(change: Partial<State>): void {
    Object.assign(this.#state, change);
    this.#sink.state(change);
  }

  /**
   * As the leader: sends the state to the other tabs, with the channels of all tabs when one of
   * them asked.
   */
  #tell(channels?: [tab: string, channels: string[]][]): void {
    this.#post("state", { ...this.#state, error: plain(this.#state.error) }, channels);
  }

  /** Receives the reports of the connection, while this tab leads. */
  readonly #reports: DriverSink = {
    event: (name, value, id, tab) => {
      this.#post("event", name, plain(value), id, tab);
      this.#deliver(name, value, id, tab);
    },
    state: (change) => {
      if (change.status === "connecting" && this.#state.connection)
        change = { ...change, status: "reconnecting" };
      this.#apply(change);
      if (change.status) this.#tell(); // the last id goes with its event
    },
  };

  /** Receives the messages of other tabs. */
  readonly #messages: Messages = {
    channels: (tab, channels) => this.#channels.set(tab, channels),
    hello: (tab, channels) => {
      this.#channels.set(tab, channels);
      if (this.#leader) this.#tell(this.#channels.entries);
    },
    gone: (tab, led) => {
      const channels = this.#channels.delete(tab);
      if (led) this.#led = false;
      this.#leader?.change([], channels, tab).catch(() => {});
    },
    state: (state, channels) => {
      for (const [tab, names] of channels ?? [])
        if (tab !== this.#tab) this.#channels.set(tab, names);
      if (this.#leader) return;
      this.#apply({ ...state, error: revived(state.error) });
      this.#wait(() => this.#doubt(), SILENCE);
      this.#follow();
      if (!this.#fresh) return;
      this.#log("follows");
      // A new tab gets the event `connected` too. After a refusal it has the leader try again,
      // because its token may be newer.
      if (channels && state.status === "connected")
        this.#deliver("connected", state.connection, state.lastId ?? "");
      if (state.status === "closed") this.#post("reconnect", this.#options.token);
      this.#fresh = state.status!.endsWith("ing");
    },
    event: (name, value, id, tab) => {
      if (this.#leader) return;
      this.#wait(() => this.#doubt(), SILENCE);
      if (id) this.#apply({ lastId: id });
      this.#log(name, id);
      this.#deliver(name, name === "error" ? revived(value) : value, id, tab);
    },
    call: async (tab, id, method, args) => {
      if (!this.#leader) return;
      const answer = (value: unknown, failed: 0 | 1) => {
        if (tab === this.#tab) this.#calls.settle(id, value, failed);
        else if (id) this.#post("answer", tab, id, plain(value), failed);
      };
      try {
        answer(await this.#leader.call(tab, method, args), 0);
      } catch (error) {
        answer(error, 1);
      }
    },
    answer: (tab, id, value, failed) => {
      if (tab === this.#tab) this.#calls.settle(id, failed ? revived(value) : value, failed);
    },
    reconnect: (token) => {
      this.#options.token = token ?? this.#options.token;
      this.#leader?.reconnect(token);
    },
  };

  /**
   * Delivers an event to this tab, unless it replies to another tab, was delivered before, or is
   * only for channels of other tabs.
   */
  #deliver(name: string, value: any, id: string, tab?: string): void {
    if (tab && tab !== this.#tab) return;
    if (value?.id) {
      const [epoch, sequence] = value.id.split("-"), [before, last] = this.#delivered.split("-");
      if (epoch === before && +sequence <= +last!) return;
      this.#delivered = value.id;
    }
    if (!this.#channels.foreign(name, value)) this.#sink.event(name, value, id);
  }
}
