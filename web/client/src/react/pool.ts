// The connections of all components: those that ask for the same use the same.

import { connect } from "../client.ts";
import { TOKEN_ERROR } from "../errors.ts";
import type { Client, ClientError, Connected, Status, Unsubscribe } from "../types.ts";
import { connectOptions, type Box, type HookOptions, type Place } from "./options.ts";

/** What components show of a connection. It is replaced, never changed. */
export interface Snapshot {
  /** `idle`: there is nothing to connect with yet, or `enabled` is false. */
  readonly status: Status | "idle";
  readonly error: ClientError | undefined;
  readonly clientId: string | undefined;
  readonly connection: Connected | undefined;
}

/** One who uses a connection. */
export type User = object;

/** A connection and those who use it. */
export interface Shared {
  readonly client: Client;
  /** Absent: it was given, so it is not ours to close. */
  readonly key?: string | undefined;
  snapshot: Snapshot;
  /** The newest last: their options are those that count. */
  readonly users: Map<User, Box>;
  /** Who wants to be in which room; in the declared channels also the connection itself. */
  readonly rooms: Map<string, Set<User>>;
  readonly listeners: Set<() => void>;
  timer?: ReturnType<typeof setTimeout>;
  /** The token that was last shown to the server. */
  readonly shown: { token?: string | null | undefined };
  /** The refusal of it. */
  refusal?: ClientError | undefined;
  /** Ends what tells of changes, while that runs. */
  stop?: Unsubscribe | undefined;
}

/** How long a connection outlives its last user, in ms: StrictMode and a change of page unmount and mount again. */
export const LINGER = 100;

const NOTHING = { error: undefined, clientId: undefined, connection: undefined };
export const IDLE: Snapshot = { status: "idle", ...NOTHING };
export const WAITING: Snapshot = { status: "connecting", ...NOTHING };

const pool = new Map<string, Shared>();
const given = new WeakMap<Client, Shared>();

/** What is known of a place without opening anything: safe while rendering. */
export function peek({ key, client }: Place): Snapshot {
  if (client) return fresh(given.get(client) ?? adopt(client));
  return key === undefined ? IDLE : pool.get(key)?.snapshot ?? WAITING;
}

/** Begins the use of a place, which has a connection to offer. since and rooms: where a new connection goes on, and in which. */
export function acquire(user: User, place: Place, since: string | undefined, rooms: Iterable<string>): Shared {
  const { key, client, box } = place;
  let shared = client ? given.get(client) ?? adopt(client) : pool.get(key!);
  if (!shared) pool.set(key!, shared = open(place, since, rooms));
  clearTimeout(shared.timer);
  shared.users.set(user, box);
  if (!shared.stop) watch(shared);
  if (shared.rooms.size) sweep(shared); // the rooms of those who left
  return shared;
}

/** Ends the use. */
export function release(user: User, shared: Shared): void {
  shared.users.delete(user);
  for (const users of shared.rooms.values()) users.delete(user);
  sweep(shared);
}

/** Has the options of this user count from now on. A refused connection is tried again when they bring another token. */
export function renew(user: User, shared: Shared): void {
  const box = shared.users.get(user);
  if (!box) return;
  shared.users.delete(user);
  shared.users.set(user, box);
  const { client, shown, snapshot } = shared, code = snapshot.error?.code ?? "";
  if (client.status !== "closed" || box.current.token === shown.token || !TOKEN_ERROR.test(code) && code !== "forbidden") return;
  shared.refusal = undefined;
  client.reconnect();
}

function latest(shared: Pick<Shared, "users">): HookOptions {
  return [...shared.users.values()].at(-1)?.current ?? {};
}

function open(place: Place, since: string | undefined, rooms: Iterable<string>): Shared {
  const { key, box } = place, users = new Map<User, Box>();
  // Between two users, and in the moment before the first, the options are those it was opened with.
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

function share(client: Client, key: string | undefined, users: Map<User, Box>, shown: Shared["shown"] = {}): Shared {
  return { client, key, users, shown, snapshot: snapshotOf(client), rooms: new Map(), listeners: new Set() };
}

function snapshotOf({ status, error, clientId, connection }: Client, refusal?: ClientError): Snapshot {
  return { status, error: error ?? refusal, clientId, connection };
}

/** The snapshot, which is another one only when something has changed. */
function fresh(shared: Shared): Snapshot {
  const now = snapshotOf(shared.client, shared.refusal), before = shared.snapshot;
  return (Object.keys(now) as (keyof Snapshot)[]).every((name) => now[name] === before[name]) ? before : shared.snapshot = now;
}

/** Tells of changes. */
function watch(shared: Shared) {
  const { client } = shared;
  shared.stop = client.onStatus(() => {
    if (client.status === "connected") shared.refusal = undefined;
    fresh(shared);
    for (const listener of [...shared.listeners]) listener();
    const { status, error } = client, { token, getToken } = latest(shared);
    if (status !== "reconnecting" || !shared.key || !token || getToken || !TOKEN_ERROR.test(error?.code ?? "")) return;
    // A token of this component is not asked for again as one from getToken is; it waits for the next one. Later, because
    // the client is in the middle of its own decision.
    queueMicrotask(() => {
      if (client.status !== "reconnecting" || latest(shared).token !== shared.shown.token) return;
      shared.refusal = error;
      client.close();
    });
  });
  fresh(shared);
}

/** Ends, after a while, what nobody uses by then. */
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
  const { rooms, client } = shared, unwanted = [...rooms].filter(([, users]) => !users.size).map(([room]) => room);
  for (const room of unwanted) rooms.delete(room);
  // Without an answer it is left all the same: the client does not join it again.
  if (unwanted.length) client.leave(...unwanted).catch(() => {});
}
