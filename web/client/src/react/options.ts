// What a component asks for, and which connection that is.

import { subjectOf } from "../token.ts";
import type { Client, Options, Transport } from "../types.ts";

type Loose<T> = { [Name in keyof T]?: T[Name] | undefined };

/**
 * The options of `connect`, for a component. Those that are functions may be written inline: the newest is called, and a
 * new one opens no new connection. The same holds for a new `token` of the same user.
 */
export interface HookOptions extends Loose<Omit<Options, "userId" | "token">> {
  /** Named but empty while the login loads: nothing is opened until it is there. */
  userId?: string | null | undefined;
  /** Like userId. */
  token?: string | null | undefined;
  /** `false`: no connection, and no error (default true). */
  enabled?: boolean | undefined;
}

/** The newest options of a component for one connection. */
export interface Box {
  current: HookOptions;
}

/** Which connection a component uses: one of the pool, one that it was given, or none. */
export interface Place {
  box: Box;
  /** Names a connection of the pool. Absent: none for now. */
  key?: string | undefined;
  /** The key without the channels: whose it is. It is there also with `enabled: false`. */
  base?: string | undefined;
  /** Where a key alone does not say it. */
  transport?: Options["transport"];
  /** The one that was given. */
  client?: Client;
  /** Of the options of this rendering. */
  token?: string | null | undefined;
}

/** Whether it is known who connects. Who names neither a user nor a token connects by cookie, or as nobody. */
function known(o: HookOptions): boolean {
  if (o.token === null || o.token === "") return false; // it loads; undefined beside a userId is no token at all
  const named = "userId" in o || "token" in o;
  return !named || !!o.userId || !!o.token;
}

/** Finds the place of these options. Equal places share one connection. */
export function placeOf(o: HookOptions, transport: "auto" | Transport): Omit<Place, "box"> {
  const place: Omit<Place, "box"> = { transport: o.transport ?? transport, token: o.token };
  if (!known(o)) return place;
  const { enabled, channels, token, ...rest } = o;
  // A token changes every few minutes, its user does not. Beside a userId it is that user's, or is refused.
  const parts = Object.entries({ ...rest, transport: place.transport, token: token && (o.userId ? true : subjectOf(token) ?? token) })
    .filter(([, value]) => value !== undefined && value !== null && value !== "")
    .sort(([a], [b]) => a < b ? -1 : 1);
  place.base = JSON.stringify(parts, (_name, value) => typeof value === "function" ? "function" : value);
  if (enabled !== false) place.key = place.base + JSON.stringify([...new Set(channels)].sort());
  return place;
}

/** The options for `connect`, which asks the newest options of the components when it needs credentials. rooms: joined already. */
export function connectOptions(place: Place, latest: () => HookOptions, since: string | undefined, rooms: Iterable<string>): Options {
  const { enabled: _, ...rest } = latest();
  const channels = [...new Set([...rest.channels ?? [], ...rooms])];
  const options: Record<string, unknown> = { ...rest, channels, transport: place.transport, since: since ?? rest.since };
  for (const name in options) if (options[name] === undefined || options[name] === null || options[name] === "") delete options[name];
  if (rest.getToken) options.getToken = () => latest().getToken!();
  else if (rest.token) options.getToken = () => latest().token ?? "";
  if (rest.getTicket) options.getTicket = () => latest().getTicket!();
  return options;
}
