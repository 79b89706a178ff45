// One connection for all tabs of a browser with the same options. One tab leads: it has the
// connection and passes the events on to the others. The next leader resumes from the last id that
// it received.

import { refuse, type Driver, type DriverSink, type Log, type State } from "../driver.ts";
import { clientError } from "../errors.ts";
import { copy, uniqueId } from "../link.ts";
import { timeoutOf } from "../open.ts";
import type { Joined, Options } from "../types.ts";
import { openBus, plain, revived, type Bus, type Messages, type Method } from "./bus.ts";
import { callsOf, type Calls } from "./calls.ts";
import { Channels, without } from "./channels.ts";
import { delivery } from "./delivery.ts";
import { elect, type Election } from "./election.ts";
import { lead, type Leader } from "./leader.ts";
import { watchLeader, watchPage, type Watch } from "./watch.ts";

export class SharedDriver implements Driver {
  /** Of the lock and the bus: the same for all tabs that share the connection. */
  readonly #name: string;
  readonly #options: Options;
  readonly #sink: DriverSink;
  readonly #log: Log;
  readonly #tab = uniqueId();
  readonly #election: Election;
  readonly #channels = new Channels(this.#tab);
  readonly #calls: Calls;
  readonly #deliver: DriverSink["event"];
  readonly #watch: Watch; // of the leader, while another tab leads
  #unwatchPage = () => {};
  #bus: Bus | undefined;
  #leader: Leader | undefined; // while this tab leads
  #state: Partial<State> = {};
  /** Whether this tab has not yet received the state of the leader's connection. */
  #fresh = true;
  #resting = false; // the browser has stopped this page

  /** user: whose connection it is. */
  constructor(user: string, options: Options, sink: DriverSink, log: Log) {
    const { url, channels = [], transport, socketPath, ssePath } = options;
    this.#name = "roomcast:" +
      JSON.stringify([url, user, [...channels].sort(), transport, socketPath, ssePath]);
    this.#options = { ...options };
    this.#sink = sink;
    this.#log = log;
    const timeout = timeoutOf(options);
    this.#calls = callsOf(timeout, (id, ...call) => {
      if (this.#leader) this.#messages.call(this.#tab, id, ...call);
      else this.#post("call", this.#tab, id, ...call);
    });
    this.#deliver = delivery(this.#tab, this.#channels, sink);
    this.#channels.set(this.#tab, channels);
    this.#election = elect(this.#name, () => this.#lead(), () => {
      this.#yield(); // this tab did not answer, and another one took the lead
      this.#run();
    });
    const ask = () => this.#post("hello", this.#tab, this.#channels.own);
    this.#watch = watchLeader(ask, () => this.#election.run(true), timeout);
    this.#start();
  }

  emit(event: string, args: unknown[]): boolean {
    if (this.#state.status === "closed") return refuse(this.#sink, event, "closed");
    return this.#calls.add("emit", [event, copy(args)]) ||
      refuse(this.#sink, event, "unavailable");
  }

  async ask(event: string, args: unknown[]): Promise<any> {
    return this.#request(event, "ask", [event, copy(args)]);
  }

  async change(join: readonly string[], leave: readonly string[]): Promise<Joined> {
    // The leader leaves a channel when no tab declares it. A tab declares its channels before it
    // calls, so of two tabs that leave a channel at the same time the leader sees one as the last.
    const { own } = this.#channels, added = without(join, own);
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
      this.#watch.doubt();
    }
  }

  close(): void {
    this.#end();
    this.#unwatchPage();
    this.#watch.stop();
    const leader = this.#leader, { status } = this.#state;
    this.#leader = undefined;
    this.#bus?.close();
    this.#bus = undefined; // before the connection closes: for the other tabs it does not
    this.#election.leave();
    this.#calls.close();
    if (leader) return leader.close();
    this.#apply({ status: "closed", transport: undefined, error: undefined });
    if (status === "connected") this.#sink.event("disconnect", { reason: "closed" }, "");
  }

  readonly #post: Bus["post"] = (...message) => this.#bus?.post(...message);

  #start(): void {
    this.#bus = openBus(this.#name, this.#messages);
    this.#channels.reset();
    this.#apply({ status: "connecting" });
    const look = () => this.#resting ? this.#run() : this.#leader || this.#watch.doubt();
    this.#unwatchPage = watchPage(() => this.#rest(), look, this.#end);
    this.#run();
  }

  /** Stands for election, and asks whether another tab leads. */
  #run(): void {
    this.#resting = false;
    this.#election.run();
    this.#watch.doubt();
  }

  /** Tells the other tabs that this one ends. */
  readonly #end = (): void => this.#post("gone", this.#tab, !!this.#leader);

  /** Hands over: a page that does not run would keep the lock, or get it. It may come back. */
  #rest(): void {
    this.#resting = true;
    this.#watch.stop();
    this.#calls.hold();
    if (this.#leader) {
      this.#post("gone", "", true);
      this.#yield();
    }
    this.#election.leave();
  }

  #lead(): void {
    this.#watch.stop();
    this.#log("leads");
    const since = this.#state.lastId ?? this.#options.since;
    this.#leader = lead({ ...this.#options, since }, this.#channels, this.#reports, this.#log);
    this.#calls.follow();
  }

  /** Follows again, without a word to the other tabs. */
  #yield(): void {
    this.#leader?.close(true);
    this.#leader = undefined;
    this.#apply({ status: "reconnecting", transport: undefined });
  }

  async #request(what: string, method: Method, args: unknown[]): Promise<any> {
    if (this.#state.status === "closed") throw clientError("closed", "closed");
    return this.#calls.request(what, method, args);
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

  /** As the leader: sends the state to the other tabs, with the channels of all when one asked. */
  #tell(channels?: [tab: string, channels: string[]][]): void {
    this.#post("state", { ...this.#state, error: plain(this.#state.error) }, channels);
  }

  /** Receives the reports of the connection, while this tab leads. */
  readonly #reports: DriverSink = {
    event: (name, value, ...about) => {
      this.#post("event", name, plain(value), ...about);
      this.#deliver(name, value, ...about);
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
      const leader = this.#leader;
      leader?.prove(() => leader === this.#leader && this.#tell(this.#channels.entries));
    },
    gone: (tab, led) => {
      const channels = this.#channels.delete(tab);
      if (led) this.#calls.hold();
      this.#leader?.change([], channels, tab).catch(() => {});
    },
    state: (state, channels) => {
      for (const [tab, names] of channels ?? [])
        if (tab !== this.#tab) this.#channels.set(tab, names);
      if (this.#leader) return;
      const connected = channels && state.status === "connected", { lastId } = this.#state;
      // Events of the leader arrive before its answer. A page in the browser's cache loses them, so
      // it takes the lead and resumes from its own last id.
      if (connected && lastId && state.lastId !== lastId) return this.#election.run(true);
      this.#apply({ ...state, error: revived(state.error) });
      this.#watch.heard();
      this.#calls.follow();
      if (!this.#fresh) return;
      this.#log("follows");
      // A new tab gets the event `connected` too. After a refusal it has the leader try again,
      // because its token may be newer.
      if (connected) this.#deliver("connected", state.connection, state.lastId ?? "");
      if (state.status === "closed") this.#post("reconnect", this.#options.token);
      this.#fresh = state.status!.endsWith("ing");
    },
    event: (name, value, id, ...about) => {
      if (this.#leader) return;
      this.#watch.heard();
      if (id) this.#apply({ lastId: id });
      this.#log(name, id);
      this.#deliver(name, name === "error" ? revived(value) : value, id, ...about);
    },
    call: (tab, id, ...call) => {
      const answer = (failed: 0 | 1) => (value: unknown) => {
        if (tab === this.#tab) this.#calls.settle(id, value, failed);
        else if (id) this.#post("answer", tab, id, plain(value), failed);
      };
      this.#leader?.call(tab, ...call).then(answer(0), answer(1));
    },
    answer: (tab, id, value, failed) => {
      if (tab === this.#tab) this.#calls.settle(id, failed ? revived(value) : value, failed);
    },
    reconnect: (token) => {
      this.#options.token = token ?? this.#options.token;
      this.#leader?.reconnect(token);
    },
  };
}
