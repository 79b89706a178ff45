// From the options of a component to the connection it uses.

import { subjectOf } from "../token.ts";
import type { Client, Options, Transport } from "../types.ts";

type Loose<T> = { [Name in keyof T]?: T[Name] | undefined };

/**
 * The options of `connect`, for a component. Functions may be written inline: the client calls the
 * newest one, and a new function opens no new connection. Nor does a new `token` of the same user.
 */
export interface HookOptions extends Loose<Omit<Options, "userId" | "token">> {
  /** Present but empty while the login loads: the component connects when there is a user. */
  userId?: string | null | undefined;
  /** Like userId. */
  token?: string | null | undefined;
  /** `false`: no connection, and no error (default true). */
  enabled?: boolean | undefined;
  /**
   * Handlers get the whole notification in place of its data, as those of the original application
   * (default false). It counts from the first rendering on.
   */
  envelope?: boolean | undefined;
}

/** The newest options of a component for one connection. */
export interface Box {
  current: HookOptions;
}

/**
 * Identifies the connection of a component: one of the pool, a client of the application, or none.
 */
export interface Place {
  box: Box;
  /** The key of a connection in the pool; undefined: no connection for now. */
  key?: string | undefined;
  /**
   * The key without the channels, which identifies the owner. It also exists with `enabled: false`.
   */
  base?: string | undefined;
  /** The transport, with the default of the hook. */
  transport?: Options["transport"];
  /** The client of the application. */
  client?: Client;
  /** The token in the options of this rendering. */
  token?: string | null | undefined;
}

/**
 * Reports whether the user is known. Options with neither a userId nor a token connect by cookie,
 * or anonymously.
 */
function known(o: HookOptions): boolean {
  // It loads; undefined next to a userId means that there is none.
  if (o.token === null || o.token === "") return false;
  const named = "userId" in o || "token" in o;
  return !named || !!o.userId || !!o.token;
}

/** Returns the place of these options. Equal places share one connection. */
export function placeOf(o: HookOptions, transport: "auto" | Transport): Omit<Place, "box"> {
  const place: Omit<Place, "box"> = { transport: o.transport ?? transport, token: o.token };
  if (!known(o)) return place;
  const { enabled, channels, token, envelope, ...rest } = o;
  // A token changes every few minutes, its user does not. With a userId the server refuses a token
  // of another user, so the userId alone identifies the connection.
  const parts = Object.entries({
    ...rest,
    transport: place.transport,
    token: token && (o.userId ? true : subjectOf(token) ?? token),
  })
    .filter(([, value]) => value !== undefined && value !== null && value !== "")
    .sort(([a], [b]) => a < b ? -1 : 1);
  place.base = JSON.stringify(
    parts,
    (_name, value) => typeof value === "function" ? "function" : value,
  );
  if (enabled !== false) place.key = place.base + JSON.stringify([...new Set(channels)].sort());
  return place;
}

/**
 * Returns the options for `connect`, which reads the newest options of the components when it needs
 * credentials. rooms: to join besides the channels of the options.
 */
export function connectOptions(
  place: Place,
  latest: () => HookOptions,
  since: string | undefined,
  rooms: Iterable<string>,
): Options {
  const { enabled: _, envelope: __, ...rest } = latest();
  const channels = [...new Set([...rest.channels ?? [], ...rooms])];
  const options: Record<string, unknown> = {
    ...rest,
    channels,
    transport: place.transport,
    since: since ?? rest.since,
  };
  for (const name in options)
    if (options[name] === undefined || options[name] === null || options[name] === "")
      delete options[name];
  if (rest.getToken) options.getToken = () => latest().getToken!();
  else if (rest.token) options.getToken = () => latest().token ?? "";
  if (rest.getTicket) options.getTicket = () => latest().getTicket!();
  return options;
}
