import { Connection } from "./connection.ts";
import type { Driver, DriverSink, State } from "./driver.ts";
import { endpoint } from "./endpoint.ts";
import { isReply } from "./replies.ts";
import { share } from "./shared/index.ts";
import type { AnyHandler, Client, Options } from "./types.ts";

type Handler = (value: any, id: string) => void;

/**
 * Connects to a server and stays connected: by WebSocket, or by EventSource where that is blocked. It returns at once; see
 * {@link Client.onStatus}. What was missed in between comes before anything new.
 *
 * @throws TypeError when options.url is no URL, or is missing where there is no page.
 */
export function connect(options: Options = {}): Client {
  endpoint(options, "/");
  const handlers = new Map<string, Set<Handler>>(), any = new Set<AnyHandler>(), watchers = new Set<(client: Client) => void>();
  const names = [options.as ?? "type"].flat() as string[];
  const state: State = {
    status: "connecting", transport: undefined, error: undefined, clientId: undefined, connection: undefined, lastId: options.since,
  };
  const log = options.debug ? (...what: unknown[]) => console.debug("[roomcast]", ...what) : () => {};

  /** Calls a handler so that its errors stay its own. */
  function call(handler: (...args: any[]) => void, ...args: unknown[]) {
    try {
      handler(...args);
    } catch (error) {
      (globalThis.reportError ?? console.error)(error); // as an error of a listener of the browser's own
    }
  }

  /** Calls the handlers that are there now, but for those that one of them ends. */
  function each(set: Set<(...args: any[]) => void> | undefined, ...args: unknown[]) {
    for (const handler of [...set ?? []]) if (set!.has(handler)) call(handler, ...args);
  }

  const sink: DriverSink = {
    event(name, value, id) {
      if (name === "sync") return; // it only moves the cursor
      each(handlers.get(name), value, id);
      // Control events, which have no `data`, and replies keep their names.
      if (value?.data !== undefined && !isReply(value)) for (const as of names) if (as !== "type" && as !== name) each(handlers.get(as), value, id);
      each(any, name, value, id);
    },
    state(change) {
      const before = { ...state };
      Object.assign(state, change);
      if ((["status", "transport", "error", "clientId"] as const).some((name) => before[name] !== state[name])) each(watchers, client);
    },
  };

  // Its state is read by getters, which are added below.
  const client = {
    on(name: string, handler: Handler) {
      const set = handlers.get(name) ?? new Set();
      handlers.set(name, set.add(handler));
      return () => client.off(name, handler);
    },
    onAny(handler) {
      any.add(handler);
      return () => void any.delete(handler);
    },
    onStatus(handler) {
      watchers.add(handler);
      return () => void watchers.delete(handler);
    },
    off(name, handler) {
      if (name === undefined) for (const all of [handlers, any, watchers]) all.clear();
      else if (!handler || handlers.get(name)?.delete(handler) && !handlers.get(name)!.size) handlers.delete(name);
    },
    join: (...channels) => driver.change(channels, []),
    leave: async (...channels) => void await driver.change([], channels),
    send: (room, message, metadata) => driver.ask("send-message", [{ room, message, metadata }]),
    emit: (event, ...args) => driver.emit(event, args),
    ack: (event, ...args) => driver.ask(event, args),
    reconnect: () => driver.reconnect(),
    close: () => driver.close(),
  } as Client;
  for (const name in state) Object.defineProperty(client, name, { get: () => state[name as keyof State], enumerable: true });

  const driver: Driver = share(options, sink, log) ?? new Connection(options, sink, log);
  return client;
}
