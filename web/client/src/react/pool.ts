// The connections of all components. Components with equal options share one.

import { connect } from "../client.ts";
import { TOKEN_ERROR } from "../errors.ts";
import type { Client, ClientError, Connected, Status, Unsubscribe } from "../types.ts";
import { connectOptions, type Box, type HookOptions, type Place } from "./options.ts";

/** The state of a connection that components show. A change replaces it. */
export interface Snapshot {
  /** `idle`: there is no user yet, or `enabled` is false. */
  readonly status: Status | "idle";
  readonly error: ClientError | undefined;
  readonly clientId: string | undefined;
  readonly connection: Connected | undefined;
}

/** Identifies a component that uses a connection. */
export type User = object;

/** A connection and its users. */
export interface Shared {
  readonly client: Client;
  /** The key in the pool; undefined: the application made the client, and closes it. */
  readonly key?: string | undefined;
  snapshot: Snapshot;
  /** The users with their options. The last one is the newest, whose options count. */
  readonly users: Map<User, Box>;
  /** The users of each room. The connection itself is a user of the channels in its options. */
  readonly rooms: Map<string, Set<User>>;
  readonly listeners: Set<() => void>;
  timer?: ReturnType<typeof setTimeout>;
  /** The token that the server got last. */
  readonly shown: { token?: string | null | undefined };
  /** The refusal of that token. */
  refusal?: ClientError | undefined;
  /** Stops watching the client; undefined: nothing watches it. */
  stop?: Unsubscribe | undefined;
}

/**
 * How long a connection outlives its last user, in ms. StrictMode and a change of page unmount a
 * component and mount it again.
 */
export const LINGER = 100;

const NOTHING = { error: undefined, clientId: undefined, connection: undefined };
export const IDLE: Snapshot = { status: "idle", ...NOTHING };
export const WAITING: Snapshot = { status: "connecting", ...NOTHING };

const pool = new Map<string, Shared>();
const given = new WeakMap<Client, Shared>();

/** Returns the snapshot of a place. It opens no connection, so it is safe while rendering. */
export function peek({ key, client }: Place): Snapshot {
  if (client) return fresh(given.get(client) ?? adopt(client));
  return key === undefined ? IDLE : pool.get(key)?.snapshot ?? WAITING;
}

/**
 * Begins the use of a place that has a key or a client. since: where a new connection resumes.
 * rooms: the rooms that it joins.
 */
export function acquire(
  user: User,
  place: Place,
  since: string | undefined,
  rooms: Iterable<string>,
): Shared {
  const { key, client, box } = place;
  let shared = client ? given.get(client) ?? adopt(client) : pool.get(key!);
  if (!shared) pool.set(key!, shared = open(place, since, rooms));
  clearTimeout(shared.timer);
  shared.users.set(user, box);
  if (!shared.stop) watch(shared);
  if (shared.rooms.size) sweep(shared); // the rooms of users that are gone
  return shared;
}

/** Ends the use. */
export function release(user: User, shared: Shared): void {
  shared.users.delete(user);
  for (const users of shared.rooms.values()) users.delete(user);
  sweep(shared);
}

/** Makes the options of this user count. With another token a refused connection tries again. */
export function renew(user: User, shared: Shared): void {
  const box = shared.users.get(user);
  if (!box) return;
  shared.users.delete(user);
  shared.users.set(user, box);
  const { client, shown, snapshot } = shared, code = snapshot.error?.code ?? "";
  if (
    client.status !== "closed" || box.current.token === shown.token ||
    !TOKEN_ERROR.test(code) && code !== "forbidden"
  ) return;
  shared.refusal = undefined;
  client.reconnect();
}

function latest(shared: Pick<Shared, "users">): HookOptions {
  return [...shared.users.values()].at(-1)?.current ?? {};
}

function open(place: Place, since: string | undefined, rooms: Iterable<string>): Shared {
  const { key, box } = place, users = new Map<User, Box>();
  // While there is no user, the options of the opening count.
  const newest = () => users.size ? latest({ users }) : box.current;
  const options = connectOptions(place, newest, since, rooms);
  const { getToken } = options, shown: Shared["shown"] = {};
  if (getToken) {
    options.getToken = () => {
      shown.token = newest().token;
      return getToken();
    };
  }
  const shared = share(connect(options), key, users, shown);
  for (const name of box.current.channels ?? []) shared.rooms.set(name, new Set([shared]));
  return shared;
}

function adopt(client: Client): Shared {
  const shared = share(client, undefined, new Map());
  given.set(client, shared);
  return shared;
}

function share(
  client: Client,
  key: string | undefined,
  users: Map<User, Box>,
  shown: Shared["shown"] = {},
): Shared {
  return {
    client,
    key,
    users,
    shown,
    snapshot: snapshotOf(client),
    rooms: new Map(),
    listeners: new Set(),
  };
}

function snapshotOf(
  { status, error, clientId, connection }: Client,
  refusal?: ClientError,
): Snapshot {
  return { status, error: error ?? refusal, clientId, connection };
}

/** Returns the snapshot, which is a new object only after a change. */
function fresh(shared: Shared): Snapshot {
  const now = snapshotOf(shared.client, shared.refusal), before = shared.snapshot;
  return (Object.keys(now) as (keyof Snapshot)[]).every((name) => now[name] === before[name])
    ? before
    : shared.snapshot = now;
}

/** Reports the changes of the client to the listeners. */
function watch(shared: Shared) {
  const { client } = shared;
  shared.stop = client.onStatus(() => {
    if (client.status === "connected") shared.refusal = undefined;
    fresh(shared);
    for (const listener of [...shared.listeners]) listener();
    const { status, error } = client, { token, getToken } = latest(shared);
    if (
      status !== "reconnecting" || !shared.key || !token || getToken ||
      !TOKEN_ERROR.test(error?.code ?? "")
    ) return;
    // The client would ask for the same token again. It closes until a component has another one,
    // and in a microtask, because here the client is in the middle of a change of its own.
    queueMicrotask(() => {
      if (client.status !== "reconnecting" || latest(shared).token !== shared.shown.token) return;
      shared.refusal = error;
      client.close();
    });
  });
  fresh(shared);
}

/** Closes the connection, and leaves the rooms, that have no user after LINGER. */
function sweep(shared: Shared) {
  clearTimeout(shared.timer);
  shared.timer = setTimeout(() => {
    if (!shared.users.size) {
      shared.stop?.();
      shared.stop = undefined;
      if (!shared.key) return leave(shared);
      pool.delete(shared.key);
      return shared.client.close();
    }
    leave(shared);
  }, LINGER);
}

function leave(shared: Shared) {
  const { rooms, client } = shared,
    unwanted = [...rooms].filter(([, users]) => !users.size).map(([room]) => room);
  for (const room of unwanted) rooms.delete(room);
  // Without an answer too, the client does not join them again.
  if (unwanted.length) client.leave(...unwanted).catch(() => {});
}
