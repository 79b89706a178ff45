import { Connection } from "./connection.ts";
import type { Driver, DriverSink, State } from "./driver.ts";
import { endpoint, positionOf } from "./open.ts";
import { isReply } from "./replies.ts";
import { share } from "./shared/index.ts";
import type { AnyHandler, Client, Options } from "./types.ts";

type Handler = (value: any, id: string) => void;
type Watcher = (client: Client) => void;

/** The parts of the state whose changes are reported to `onStatus`. */
const WATCHED = ["status", "transport", "error", "clientId"] as const;

/**
 * Connects to a server and stays connected: by WebSocket, or by EventSource where WebSocket is
 * blocked. It returns at once; {@link Client.onStatus} reports the connection. After a reconnect
 * the notifications that were missed come before any new one.
 *
 * @throws TypeError when options.url is not an http(s) URL, or is missing outside of a page.
 */
export function connect(options: Options = {}): Client {
  endpoint(options, "/");
  const handlers = new Map<string, Set<Handler>>();
  const anyHandlers = new Set<AnyHandler>(), watchers = new Set<Watcher>();
  const aliases = [options.as ?? "type"].flat() as string[];
  const state: State = {
    status: "connecting",
    transport: undefined,
    error: undefined,
    clientId: undefined,
    connection: undefined,
    lastId: options.since,
  };
  const log = options.debug
    ? (...parts: unknown[]) => console.debug("[roomcast]", ...parts)
    : () => {};

  /**
   * Calls the current handlers, except those that another one removes. An error ends no other
   * handler.
   */
  function callAll(set: Set<(...args: any[]) => void> | undefined, ...args: unknown[]) {
    for (const handler of [...set ?? []]) {
      if (!set!.has(handler)) continue;
      try {
        handler(...args);
      } catch (error) {
        (globalThis.reportError ?? console.error)(error); // as the browser does for its listeners
      }
    }
  }

  const sink: DriverSink = {
    event(name, value, id) {
      if (name === "sync") return; // it only moves the cursor
      callAll(handlers.get(name), value, id);
      // Control events, which have no `data`, replies, and news of connections keep their names.
      const keeps = value?.data === undefined || isReply(value) || name === "connection-update";
      const renamed = keeps ? [] : aliases;
      for (const alias of renamed) {
        if (alias !== "type" && alias !== name) callAll(handlers.get(alias), value, id);
      }
      callAll(anyHandlers, name, value, id);
    },
    state(change) {
      const before = { ...state };
      Object.assign(state, change);
      if (WATCHED.some((name) => before[name] !== state[name])) callAll(watchers, client);
    },
  };

  // The getters of its state are added below.
  const client = {
    on(name: string, handler: Handler) {
      const set = handlers.get(name) ?? new Set();
      handlers.set(name, set.add(handler));
      return () => client.off(name, handler);
    },
    onAny(handler) {
      anyHandlers.add(handler);
      return () => void anyHandlers.delete(handler);
    },
    onStatus(handler) {
      watchers.add(handler);
      return () => void watchers.delete(handler);
    },
    off(name, handler) {
      const sets = name === undefined
        ? [...handlers.values(), anyHandlers, watchers]
        : [handlers.get(name)];
      for (const set of sets) {
        if (name !== undefined && handler) set?.delete(handler);
        else set?.clear(); // and not only the map: the set may be being called
      }
      for (const [key, set] of handlers) if (!set.size) handlers.delete(key);
    },
    join: (...channels) => driver.change(channels, []),
    leave: async (...channels) => void await driver.change([], channels),
    send: (room, message, metadata) => driver.ask("send-message", [{ room, message, metadata }]),
    emit: (event, ...args) => driver.emit(event, args),
    ack: (event, ...args) => driver.ask(event, args),
    position: (init) => positionOf(options, init),
    reconnect: () => driver.reconnect(),
    close: () => driver.close(),
  } as Client;
  for (const name in state) {
    Object.defineProperty(client, name, {
      get: () => state[name as keyof State],
      enumerable: true,
    });
  }

  const driver: Driver = share(options, sink, log) ?? new Connection(options, sink, log);
  return client;
}
