// One connection for all tabs of a browser that want the same: one of them leads, elected by a lock that ends with its tab,
// and the others hear it on a BroadcastChannel. Whoever leads next goes on from the last id it heard.

import { drive, TOKEN, type Driver, type DriverSink, type Log, type State } from "./connection.ts";
import { fail, unique, within } from "./link.ts";
import type { ClientError, Options } from "./types.ts";

type Change = { joined: string[]; denied: string[] };

/** What tabs tell each other. */
type Talk =
  | ["hello" | "gone", string, string[]]
  | ["state", Partial<State>, [string, string[]][]?]
  | ["event", string, unknown, string]
  | ["ask", string, number, string, unknown[]]
  | ["answer", string, number, unknown, unknown]
  | ["emit", string, unknown[]]
  | ["reconnect", string | undefined];

/** Returns a share in the connection of this browser's tabs, or nothing where there is nothing to share it by. */
export function share(o: Options, sink: DriverSink, log: Log): Driver | undefined {
  const user = o.userId ?? subject(o.token), locks = globalThis.navigator?.locks;
  if (!o.shared) return;
  // Tabs must never get what is meant for another user, so nothing is shared as long as the user is not known.
  if (!locks || !globalThis.BroadcastChannel || user === undefined) return void log("not shared", user === undefined ? "without a userId" : "");

  const name = "roomcast:" + JSON.stringify([o.url, user, [...o.channels ?? []].sort(), o.transport, o.socketPath, o.ssePath]);
  const me = unique(), shown = { ...o }, timeout = o.timeout ?? 10_000;
  const holds = new Map<string, string[]>(), asks = new Map<number, [(value: any) => void, (error: Error) => void]>();
  let bus: BroadcastChannel | undefined, leading: Driver | undefined, state: Partial<State> = {};
  let seen = "", next = 0, fresh = true, leave = () => {};

  const mine = () => holds.get(me)!;
  const post = (...talk: Talk) => bus?.postMessage(talk);

  function start() {
    bus = new BroadcastChannel(name);
    bus.onmessage = ({ data }) => hear(data);
    holds.set(me, [...o.channels ?? []]);
    apply({ status: "connecting" });
    post("hello", me, mine());
    globalThis.addEventListener("pagehide", gone);
    const abort = new AbortController();
    leave = () => abort.abort();
    locks.request(name, { signal: abort.signal }, () => new Promise<void>((release) => {
      leave = release;
      log("leads the tabs");
      // What the tabs joined is known from what each of them said, so the next connection is in all of it from its start.
      shown.channels = [...new Set([...holds.values()].flat())];
      shown.since = state.lastId ?? o.since;
      leading = drive(shown, leader, log);
    })).catch(() => {}); // aborted: the share was closed before its turn came
  }

  const gone = () => post("gone", me, mine());

  const leader: DriverSink = {
    event(name, value, id) {
      post("event", name, plain(value), id);
      deliver(name, value, id);
    },
    state(change) {
      apply(change);
      // The last id goes with its event.
      if (change.status || change.error) post("state", packed(change));
    },
  };

  function apply(change: Partial<State>) {
    Object.assign(state, change);
    sink.state(change);
  }

  function hear(talk: Talk) {
    switch (talk[0]) {
      case "hello":
        holds.set(talk[1], talk[2]);
        if (leading) post("state", packed(state), [...holds]);
        break;
      case "gone":
        holds.delete(talk[1]);
        if (leading) change([], talk[2]);
        break;
      case "state":
        for (const [tab, channels] of talk[2] ?? []) if (tab !== me) holds.set(tab, channels);
        if (leading) break;
        apply({ ...talk[1], ...(talk[1].error && { error: revived(talk[1].error) }) });
        // This tab may have a newer token than the one that was refused.
        if (fresh && o.token && TOKEN.includes(state.error?.code!)) post("reconnect", o.token);
        fresh = false;
        break;
      case "event": {
        const [, name, value, id] = talk;
        if (leading) break;
        if (id) apply({ lastId: id });
        deliver(name, name === "error" ? revived(value) : value, id);
        break;
      }
      case "ask": {
        const [, tab, n, event, args] = talk;
        (event ? leading?.ask(event, args) : leading && change(...args as [string[], string[]], tab))?.then(
          (value) => post("answer", tab, n, value, undefined),
          (error) => post("answer", tab, n, undefined, plain(error)),
        );
        break;
      }
      case "answer": {
        const [, tab, n, value, error] = talk;
        if (tab === me) asks.get(n)?.[error ? 1 : 0](error ? revived(error) : value as any);
        break;
      }
      case "emit":
        leading?.emit(talk[1], talk[2]);
        break;
      case "reconnect":
        shown.token = talk[1];
        leading?.reconnect();
    }
  }

  /** Hands an event to this tab, unless it had it from the leader before, or only other tabs are in its channels. */
  function deliver(name: string, value: any, id: string) {
    if (value?.id) {
      const [epoch, seq] = value.id.split("-"), [before, last] = seen.split("-");
      if (epoch === before && +seq <= +last!) return;
      seen = value.id;
    }
    const metadata = value?.metadata, channels: string[] = [metadata?.channels ?? metadata?.channel ?? value?.data?.room ?? []].flat();
    const held = [...holds.values()].flat();
    if (channels.length && channels.every((channel) => held.includes(channel) && !mine().includes(channel))) return;
    sink.event(name, value, id);
  }

  /** As the leader: joins, and leaves what no other tab is in. */
  async function change(join: string[], leave: string[], tab = ""): Promise<Change> {
    const others = [...holds].filter(([other]) => other !== tab).flatMap(([, channels]) => channels);
    return leading!.change(join, leave.filter((channel) => !others.includes(channel)));
  }

  function ask(event: string, args: unknown[]): Promise<any> {
    const n = next++;
    const answer = new Promise((...settle) => asks.set(n, settle));
    post("ask", me, n, event, args);
    return within(answer, timeout, event || "join").finally(() => asks.delete(n));
  }

  start();
  return {
    ask: (event, args) => leading ? leading.ask(event, args) : ask(event, args),
    emit(event, args) {
      if (leading) return leading.emit(event, args);
      post("emit", event, args);
      return state.status !== "closed";
    },
    async change(join, leave) {
      const result: Change = await (leading ? change([...join], [...leave], me) : ask("", [join, leave]));
      holds.set(me, [...new Set([...mine().filter((channel) => !leave.includes(channel)), ...result.joined])]);
      post("hello", me, mine());
      return result;
    },
    reconnect() {
      if (!bus) return start();
      if (leading) leading.reconnect();
      else post("reconnect", o.token);
    },
    close() {
      gone();
      globalThis.removeEventListener("pagehide", gone);
      leading?.close();
      leading = undefined;
      leave();
      bus?.close();
      bus = undefined;
      for (const [, reject] of asks.values()) reject(fail("closed", "closed"));
      apply({ status: "closed", transport: undefined, error: undefined });
    },
  };
}

/** The user that a token is of, as it says itself; the server is who checks that. */
function subject(token?: string): string | undefined {
  try {
    return JSON.parse(atob(token!.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/"))).sub;
  } catch {
    return undefined;
  }
}

// An error loses its code on the way to another tab.
const plain = (value: any) => value instanceof Error ? { ...value, message: value.message } : value;
const revived = (value: any): ClientError => fail(value.code, value.message, value.retryAfter);
const packed = (state: Partial<State>) => ({ ...state, ...(state.error && { error: plain(state.error) }) });
