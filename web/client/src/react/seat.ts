// A component's part of a connection: its handlers and rooms, which move with it when it goes to another connection, and
// end with it.

import { clientError } from "../errors.ts";
import type { AnyHandler, Client, Joined, Notification, Unsubscribe } from "../types.ts";
import { acquire, release, renew, type Shared } from "./pool.ts";
import type { Place } from "./options.ts";

type Handler = (...args: any[]) => void;

/** All of a client but that it never changes its identity, and that it may have no connection behind it. */
export interface Seat extends Client {
  /** Adds a handler that is called by `call`: with what a hook promises to handlers. */
  listen(name: string, handler: Handler, call: (value: any, id: string) => void): Unsubscribe;
  /** Begins the use of a place; listener is called when its snapshot may have changed. */
  attach(place: Place, listener: () => void): Unsubscribe;
  /** Takes the newest token to the connection. */
  renew(): void;
  /** Ends all handlers and leaves all rooms. */
  reset(): void;
}

/** Whether an event is a notification: control events, which may be anything when Go code sends them, have no envelope. */
export const isNotification = (value: any): value is Notification => value?.metadata !== undefined && value.data !== undefined;

export function createSeat(): Seat {
  const begun = new Set<{ begin: (client: Client) => Unsubscribe; end: Unsubscribe | undefined }>();
  const handlers = new Map<string, Map<Handler, Unsubscribe>>();
  const rooms = new Set<string>(), unsure = new Set<string>();
  let shared: Shared | undefined, before: { base: string | undefined; lastId: string | undefined } | undefined;

  /** Begins something now, if there is a connection, and on each later one. */
  function follow(begin: (client: Client) => Unsubscribe): Unsubscribe {
    const entry = { begin, end: shared && begin(shared.client) };
    begun.add(entry);
    return () => {
      begun.delete(entry);
      entry.end?.();
      entry.end = undefined;
    };
  }

  /** Keeps handler under a name, once. */
  function keep(name: string, handler: Handler, begin: (client: Client) => Unsubscribe): Unsubscribe {
    const named = handlers.get(name) ?? new Map<Handler, Unsubscribe>();
    handlers.set(name, named);
    if (!named.has(handler)) named.set(handler, follow(begin));
    return () => seat.off(name, handler);
  }

  const absent = () => clientError("disconnected", "there is no connection yet: the component is not mounted, disabled or has no user");
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
    if (!mine) return { joined: [], denied: [] }; // remembered for the connection to come
    try {
      const result = await mine.client.join(...names);
      for (const name of names) unsure.delete(name);
      return result; // what is denied stays wanted: another user may be let in
    } catch (error) {
      for (const name of names) if (rooms.has(name)) unsure.add(name);
      throw error;
    }
  }

  /** Joins without anyone who waits for it. What gets no answer is asked again when the connection is up. */
  function rejoin(names: Iterable<string>) {
    const list = [...names];
    if (list.length) join(list).catch(() => {});
  }

  const ANY = "\0any", STATUS = "\0status"; // names that no event can have

  /** Tells of what another connection, or none, has made of the status: later, because React is busy with effects now. */
  function moved() {
    for (const handler of handlers.get(STATUS)?.keys() ?? []) {
      queueMicrotask(() => { if (handlers.get(STATUS)?.has(handler)) handler(seat); });
    }
  }

  const seat: Seat = {
    get status() { return shared?.client.status ?? "closed"; },
    get transport() { return shared?.client.transport; },
    get error() { return shared?.snapshot.error; },
    get clientId() { return shared?.client.clientId; },
    get connection() { return shared?.client.connection; },
    get lastId() { return shared?.client.lastId ?? before?.lastId; },

    listen: (name, handler, call) => keep(name, handler, (to) => to.on(name, (value: any, id: string) => call(value, id))),
    on: (name: string, handler: Handler) => seat.listen(name, handler, handler),
    onAny: (handler) => keep(ANY, handler, (to) => to.onAny(((...event) => handler(...event)) as AnyHandler)),
    onStatus: (handler) => keep(STATUS, handler, (to) => to.onStatus(() => handler(seat))),
    off(name, handler) {
      if (name === undefined) for (const each of [...handlers.keys()]) seat.off(each);
      else if (!handler) for (const each of [...handlers.get(name)?.keys() ?? []]) seat.off(name, each);
      else {
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
        if (users?.size) continue; // another component is still in it, or all are, by their options
        from?.rooms.delete(name);
        alone.push(name);
      }
      if (from && alone.length) await from.client.leave(...alone);
    },
    send: async (channel, message, metadata) => (await client()).send(channel, message, metadata),
    emit: (event, ...args) => shared?.client.emit(event, ...args) ?? false,
    ack: async (event, ...args) => (await client()).ack(event, ...args),
    reconnect: () => shared?.client.reconnect(),
    close: () => shared?.client.close(),

    attach(place, listener) {
      // The same user with other channels goes on where it was.
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
