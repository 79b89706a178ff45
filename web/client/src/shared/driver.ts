// One connection for all tabs of a browser that want the same: one of them leads, elected by a lock that ends with its tab,
// and the others hear it on a BroadcastChannel. Whoever leads next goes on from the last id it heard.

import { drive } from "../connection.ts";
import type { Driver, DriverSink, Log, State } from "../driver.ts";
import { copy, fail, unique, within } from "../link.ts";
import type { ClientError, Options } from "../types.ts";

type Change = { joined: string[]; denied: string[] };

/** How long a leader may be silent before it is asked whether it is there, in ms: more often, it has something to tell. */
const SILENCE = 90_000;

/** Returns a share in the connection of this browser's tabs. name: the same for all tabs that share it. */
export function createDriver(name: string, o: Options, sink: DriverSink, log: Log): Driver {
  const me = unique(), shown = { ...o }, timeout = o.timeout ?? 10_000;
  const holds = new Map<string, string[]>(), asks = new Map<string, [(value: any) => void, (error: Error) => void]>();
  let bus: BroadcastChannel | undefined, leading: Driver | undefined, state: Partial<State> = {};
  let seen = "", fresh = true, muted = false, leave = () => {};
  let early: (() => void)[] | undefined = [], timer: ReturnType<typeof setTimeout>;

  const mine = () => holds.get(me)!;
  const post = <Name extends keyof typeof on>(name: Name, ...args: Parameters<(typeof on)[Name]>) => bus?.postMessage([name, ...args]);

  function start() {
    bus = new BroadcastChannel(name);
    bus.onmessage = ({ data: [what, ...args] }) => (on as any)[what]?.(...args);
    const channels = mine() ?? [...o.channels ?? []];
    holds.clear();
    holds.set(me, channels);
    apply({ status: "connecting" });
    globalThis.addEventListener("pagehide", gone);
    stand();
    doubt();
  }

  /** Asks for the lead: when it is free, or at once, from a leader that does not answer. */
  function stand(steal = false) {
    leave();
    const abort = new AbortController();
    leave = () => abort.abort();
    navigator.locks.request(name, steal ? { steal } : { signal: abort.signal }, () => abort.signal.aborted ? undefined : lead()).catch((error) => {
      if (abort.signal.aborted || !bus) return;
      if (error.name !== "AbortError") return void lead(); // a frame without an origin has no locks, and no other tabs
      // This tab was frozen, and another leads now.
      const driver = leading;
      leading = undefined;
      muted = true;
      driver?.close();
      muted = false;
      apply({ status: "reconnecting", transport: undefined });
      stand();
      doubt();
    });
  }

  const lead = () => new Promise<void>((release) => {
    clearTimeout(timer);
    leave = release;
    log("leads");
    // What the tabs joined is known from what each of them said, so the next connection is in all of it from its start.
    shown.channels = [...new Set([...holds.values()].flat())];
    shown.since = state.lastId ?? o.since;
    leading = drive(shown, leader, log);
    follow();
  });

  function wait(then: () => void, ms: number) {
    clearTimeout(timer);
    timer = setTimeout(then, ms);
  }

  /** Has the leader say that it is there. */
  function doubt() {
    post("hello", me, mine());
    wait(() => stand(true), timeout);
  }

  /** There is somebody to ask. */
  function follow() {
    const all = early ?? [];
    early = undefined;
    for (const go of all) go();
  }

  const soon = (go: () => void) => early ? early.push(go) : go();

  // A page that the browser puts away may come back.
  const gone = (event?: Partial<PageTransitionEvent>) => event?.persisted || post("gone", me, mine(), !!leading);

  const leader: DriverSink = {
    event(name, value, id) {
      if (muted) return;
      post("event", name, plain(value), id);
      deliver(name, value, id);
    },
    state(change) {
      if (muted) return;
      if (change.status === "connecting" && state.connection) change = { ...change, status: "reconnecting" };
      apply(change);
      // The last id goes with its event.
      if (change.status) tell();
    },
  };

  function apply(change: Partial<State>) {
    Object.assign(state, change);
    sink.state(change);
  }

  const tell = (...all: [[string, string[]][]?]) => post("state", { ...state, error: plain(state.error) }, ...all);

  /** What tabs tell each other. */
  const on = {
    hello(tab: string, channels: string[]) {
      holds.set(tab, channels);
      if (leading) tell([...holds]);
    },
    gone(tab: string, channels: string[], hadLed: boolean) {
      holds.delete(tab);
      if (hadLed) early ??= [];
      if (leading) change([], channels).catch(() => {});
    },
    state(now: Partial<State>, all?: [string, string[]][]) {
      for (const [tab, channels] of all ?? []) if (tab !== me) holds.set(tab, channels);
      if (leading) return;
      apply({ ...now, error: revived(now.error) });
      wait(doubt, SILENCE);
      follow();
      if (!fresh) return;
      log("follows");
      // A tab that opens hears of the connection as any other; and it may have what the last try lacked, such as a newer token.
      if (all && now.status === "connected") deliver("connected", now.connection, now.lastId ?? "");
      if (now.status === "closed") post("reconnect", o.token);
      fresh = now.status!.endsWith("ing");
    },
    event(name: string, value: unknown, id: string) {
      if (leading) return;
      wait(doubt, SILENCE);
      if (id) apply({ lastId: id });
      log(name, id);
      deliver(name, name === "error" ? revived(value) : value, id);
    },
    ask(n: string, event: string, args: unknown[], tab: string) {
      if (leading) run(event, args, tab).then((value) => post("answer", n, 0, value), (error) => post("answer", n, 1, plain(error)));
    },
    answer(n: string, failed: 0 | 1, value: unknown) {
      asks.get(n)?.[failed](failed ? revived(value) : value as any);
    },
    emit(event: string, args: unknown[]) {
      leading?.emit(event, args);
    },
    reconnect(token?: string) {
      shown.token = token ?? shown.token;
      leading?.reconnect();
    },
  };

  /** Hands an event to this tab, unless it had it from the leader before, or only other tabs are in its channels. */
  function deliver(name: string, value: any, id: string) {
    if (value?.id) {
      const [epoch, seq] = value.id.split("-"), [before, last] = seen.split("-");
      if (epoch === before && +seq <= +last!) return;
      seen = value.id;
    }
    const metadata = value?.metadata, channels: string[] = [metadata?.channels ?? metadata?.channel ?? (name === "message" && value.data?.room || [])].flat();
    const held = [...holds.values()].flat();
    if (channels.length && channels.every((channel) => held.includes(channel) && !mine().includes(channel))) return;
    sink.event(name, value, id);
  }

  /** As the leader: joins, and leaves what no other tab is in. */
  async function change(join: string[], leave: string[], tab = ""): Promise<Change> {
    const others = [...holds].filter(([other]) => other !== tab).flatMap(([, channels]) => channels);
    return leading!.change(join, leave.filter((channel) => !others.includes(channel)));
  }

  const run = (event: string, args: any[], tab: string): Promise<any> =>
    event ? leading!.ask(event, args) : change(args[0], args[1], tab);

  async function ask(event: string, args: unknown[]): Promise<any> {
    const n = unique(), sent = copy(args);
    const answer = new Promise((resolve, reject) => {
      asks.set(n, [resolve, reject]);
      soon(() => leading ? resolve(run(event, sent, me)) : post("ask", n, event, sent, me));
    });
    return within(answer, timeout, event || "join").finally(() => asks.delete(n));
  }

  start();
  return {
    ask,
    emit(event, args) {
      const sent = copy(args);
      soon(() => leading ? leading.emit(event, sent) : post("emit", event, sent));
      return state.status !== "closed";
    },
    async change(join, leave) {
      const result: Change = await ask("", [join, leave]);
      holds.set(me, [...new Set([...mine().filter((channel) => !leave.includes(channel)), ...result.joined])]);
      post("hello", me, mine());
      return result;
    },
    reconnect() {
      if (!bus) start();
      else if (leading) leading.reconnect();
      else {
        post("reconnect", o.token);
        doubt();
      }
    },
    close() {
      gone();
      globalThis.removeEventListener("pagehide", gone);
      clearTimeout(timer);
      const driver = leading, was = state.status;
      leading = undefined;
      bus?.close();
      bus = undefined; // from here on the other tabs hear nothing: theirs is not closed
      leave();
      early = [];
      for (const [, reject] of asks.values()) reject(fail("closed", "closed"));
      if (driver) return driver.close();
      apply({ status: "closed", transport: undefined, error: undefined });
      if (was === "connected") sink.event("disconnect", { reason: "closed" }, "");
    },
  };
}

// An error loses its code on the way to another tab.
const plain = (value: any) => value instanceof Error ? { ...value, message: value.message } : value;
const revived = (value: any): ClientError => value && fail(value.code, value.message, value.retryAfter);
