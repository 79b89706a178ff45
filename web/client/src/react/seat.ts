// A component's part of a connection: its handlers and rooms. They move with the component to
// another connection, and end with it.

import { clientError } from "../errors.ts";
import type { AnyHandler, Client, Joined, Notification, Unsubscribe } from "../types.ts";
import { acquire, release, renew, type Shared } from "./pool.ts";
import type { Place } from "./options.ts";

type Handler = (...args: any[]) => void;

/** A client whose identity never changes, and which may have no connection behind it. */
export interface Seat extends Client {
  /** Adds handler, and calls it by `call`, which passes the arguments that a hook promises. */
  listen(name: string, handler: Handler, call: (value: any, id: string) => void): Unsubscribe;
  /** Begins the use of a place. Calls listener when the snapshot may have changed. */
  attach(place: Place, listener: () => void): Unsubscribe;
  /** Passes the newest token to the connection. */
  renew(): void;
  /** Removes all handlers and leaves all rooms. */
  reset(): void;
}

/**
 * Reports whether an event is a notification. Control events have no envelope, and can be any value
 * when Go code sends them.
 */
export const isNotification = (value: any): value is Notification =>
  value?.metadata !== undefined && value.data !== undefined;

export function createSeat(): Seat {
  const begun = new Set<{ begin: (client: Client) => Unsubscribe; end: Unsubscribe | undefined }>();
  const handlers = new Map<string, Map<Handler, Unsubscribe>>();
  const rooms = new Set<string>(), unsure = new Set<string>();
  let shared: Shared | undefined,
    before: { base: string | undefined; lastId: string | undefined } | undefined;

  /** Runs begin on the current connection, if there is one, and on each later one. */
  function follow(begin: (client: Client) => Unsubscribe): Unsubscribe {
    const entry = { begin, end: shared && begin(shared.client) };
    begun.add(entry);
    return () => {
      begun.delete(entry);
      entry.end?.();
      entry.end = undefined;
    };
  }

  /** Registers handler under a name, once. */
  function keep(
    name: string,
    handler: Handler,
    begin: (client: Client) => Unsubscribe,
  ): Unsubscribe {
    const named = handlers.get(name) ?? new Map<Handler, Unsubscribe>();
    handlers.set(name, named);
    if (!named.has(handler)) named.set(handler, follow(begin));
    return () => seat.off(name, handler);
  }

  const absent = () =>
    clientError(
      "disconnected",
      "no connection: the component is not mounted, is disabled or has no user",
    );
  const client = () => shared ? Promise.resolve(shared.client) : Promise.reject(absent());

  function want(names: readonly string[]) {
    for (const name of names) {
      rooms.add(name);
      if (!shared) continue;
      const users = shared.rooms.get(name) ?? new Set();
      shared.rooms.set(name, users.add(seat));
    }
  }

  async function join(names: readonly string[]): Promise<Joined> {
    want(names);
    const mine = shared;
    if (!mine) return { joined: [], denied: [] }; // the next connection joins them
    try {
      const result = await mine.client.join(...names);
      for (const name of names) unsure.delete(name);
      return result; // denied rooms stay wanted: the next user may be allowed in
    } catch (error) {
      for (const name of names) if (rooms.has(name)) unsure.add(name);
      throw error;
    }
  }

  /** Joins in the background. Rooms without an answer are tried again on the next connection. */
  function rejoin(names: Iterable<string>) {
    const list = [...names];
    if (list.length) join(list).catch(() => {});
  }

  const ANY = "\0any", STATUS = "\0status"; // no event has these names

  /**
   * Reports the status after a change of connection, in a microtask: React is running effects now.
   */
  function moved() {
    for (const handler of handlers.get(STATUS)?.keys() ?? []) {
      queueMicrotask(() => {
        if (handlers.get(STATUS)?.has(handler)) handler(seat);
      });
    }
  }

  const seat: Seat = {
    get status() {
      return shared?.client.status ?? "closed";
    },
    get transport() {
      return shared?.client.transport;
    },
    get error() {
      return shared?.snapshot.error;
    },
    get clientId() {
      return shared?.client.clientId;
    },
    get connection() {
      return shared?.client.connection;
    },
    get lastId() {
      return shared?.client.lastId ?? before?.lastId;
    },

    listen: (name, handler, call) =>
      keep(name, handler, (to) => to.on(name, (value: any, id: string) => call(value, id))),
    on: (name: string, handler: Handler) => seat.listen(name, handler, handler),
    onAny: (handler) =>
      keep(ANY, handler, (to) => to.onAny(((...event) => handler(...event)) as AnyHandler)),
    onStatus: (handler) => keep(STATUS, handler, (to) => to.onStatus(() => handler(seat))),
    off(name, handler) {
      if (name === undefined) { for (const each of [...handlers.keys()]) seat.off(each); }
      else if (!handler) {
        for (const each of [...handlers.get(name)?.keys() ?? []]) seat.off(name, each);
      } else {
        handlers.get(name)?.get(handler)?.();
        handlers.get(name)?.delete(handler);
      }
    },

    join: (...names) => join(names),
    async leave(...names) {
      const from = shared, alone: string[] = [];
      for (const name of names) {
        rooms.delete(name);
        unsure.delete(name);
        const users = from?.rooms.get(name);
        users?.delete(seat);
        if (users?.size) continue; // another component is in it, or the options declare it
        from?.rooms.delete(name);
        alone.push(name);
      }
      if (from && alone.length) await from.client.leave(...alone);
    },
    send: async (channel, message, metadata) => (await client()).send(channel, message, metadata),
    emit: (event, ...args) => shared?.client.emit(event, ...args) ?? false,
    ack: async (event, ...args) => (await client()).ack(event, ...args),
    position: async (init) => (await client()).position(init),
    reconnect: () => shared?.client.reconnect(),
    close: () => shared?.client.close(),

    attach(place, listener) {
      // The same user with other channels resumes.
      const since = before && before.base === place.base ? before.lastId : undefined;
      const mine = shared = acquire(seat, place, since, rooms);
      const changed = () => {
        if (mine.snapshot.status === "connected") rejoin(unsure);
        listener();
      };
      mine.listeners.add(changed);
      for (const entry of begun) entry.end = entry.begin(mine.client);
      rejoin(rooms);
      moved();
      return () => {
        mine.listeners.delete(changed);
        for (const entry of begun) {
          entry.end?.();
          entry.end = undefined;
        }
        before = { base: place.base, lastId: mine.client.lastId };
        shared = undefined;
        release(seat, mine);
        moved();
      };
    },
    renew() {
      if (shared) renew(seat, shared);
    },
    reset() {
      seat.off();
      rooms.clear();
      unsure.clear();
    },
  };
  return seat;
}
