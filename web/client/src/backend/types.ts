import type { Priority } from "../catalogue.ts";

/** How to reach the server. */
export interface BackendOptions {
  /** The server, such as `http://127.0.0.1:3000`; a path is a prefix (default: ROOMCAST_URL). */
  url?: string | undefined;
  /** One of the server's API_KEYS (default: ROOMCAST_API_KEY, else ROOMCAST_KEY). */
  apiKey?: string | undefined;
  /** How long a call may take with all its attempts, in ms (default 10000). */
  timeout?: number | undefined;
  /** How many attempts follow a failure that may be temporary (default 2). */
  retries?: number | undefined;
  /** Called once for each call that failed, in addition to the log. Its own errors are dropped. */
  onError?: ((error: BackendError, call: FailedCall) => void) | undefined;
  /** Receives the line about a failed call (default: console.error). It never contains the key. */
  log?: ((line: string) => void) | undefined;
  /** Replaces the runtime's own. */
  fetch?: typeof globalThis.fetch | undefined;
}

/** The call that failed. */
export interface FailedCall {
  /** The name of the function, such as `sendPaymentNotification`. */
  function: string;
  /** The number of the last attempt, from 1. */
  attempt: number;
}

/**
 * Why a call failed. `code` is one of the HTTP API (`validation`, `unauthenticated`, `forbidden`,
 * `rate_limited`, `unavailable` …), or `network` (no answer), `timeout`, or `invalid_response` (the
 * answer is not from a Roomcast server).
 */
export interface BackendError extends Error {
  code: string;
  /** The status of the answer, if there was one. */
  status?: number;
  /** The invalid field: `data.amount`. */
  field?: string;
  /** When to try again, in seconds. */
  retryAfter?: number;
  /** Identifies the request in the server's log. */
  requestId?: string;
}

/**
 * The receivers: all connections of a user, one connection, the members of a channel, or everyone.
 */
export type Target = "user" | "client" | "channel" | "all";

/** The arguments after data, for a kind without a default target. */
export type NamedTarget =
  | [target: Exclude<Target, "all">, targetId: string, options?: SendOptions]
  | [target: "all", targetId?: string | null | undefined, options?: SendOptions];

/** The arguments after data, for a kind with a default target. */
export type OptionalTarget = NamedTarget | [
  target?: undefined,
  targetId?: undefined,
  options?: SendOptions,
];

/** For one connection, whether it exists now; else the number of current connections. */
export type Sent<To extends readonly unknown[]> = Promise<Reached<To[0]>>;
type Reached<T> = T extends "client" ? boolean : number;

/** Options of every notification. */
export interface SendOptions {
  /** Connections that do not get the notification, such as the one that caused it. */
  except?: readonly string[] | undefined;
  /** How long it is replayed to clients that come back: `"30s"`, `"5m"`. Not with volatile. */
  ttl?: string | undefined;
  /** Only for clients that are connected and keep up now: not stored, not replayed. */
  volatile?: boolean | undefined;
  /**
   * Keeps it as the newest of its type for connections that join the channel, or connect as the
   * user, later. Only for one channel or user, and not with volatile.
   */
  retain?: boolean | undefined;
  /**
   * The server sends calls with the same key (1 to 64 visible ASCII characters) once in 10 minutes.
   */
  idempotencyKey?: string | undefined;
}

/**
 * The data of a kind: its known fields, and any others, which are passed on unchanged. The index is
 * `any` because interfaces of the application would not be assignable to `unknown`.
 */
export interface Fields {
  metadata?: GivenMetadata | undefined;
  [field: string]: any;
}

/** Metadata of the notification. category, priority and source replace those of the kind. */
export interface GivenMetadata {
  category?: string | undefined;
  priority?: Priority | undefined;
  source?: string | undefined;
  [field: string]: any;
}

/** Any notification. */
export interface Outgoing extends SendOptions {
  /** The name of the event on the page, up to 128 bytes. */
  type: string;
  /** Any JSON, up to 256 KiB. */
  data?: unknown;
  metadata?: Record<string, any> | undefined;
}

/** The result of a send to several users or channels: success of them have a connection now. */
export interface Multi {
  success: number;
  failed: number;
  /** The number of distinct users or channels. */
  total: number;
}

/** A connection of either transport. */
export interface ConnectionInfo {
  clientId: string;
  /** `anonymous` without a user. */
  userId: string;
  username: string;
  /** In ms since 1970, like Date.now(). */
  connectedAt: number;
  /** The last sign of life, in ms since 1970. */
  lastActive: number;
  transport: "websocket" | "polling" | "sse";
  channels: string[];
}

/** The connections of the server's node. */
export interface Connections {
  total: number;
  clients: ConnectionInfo[];
  /** The ids of their users. Anonymous connections have none. */
  activeUsers: Set<string>;
}
