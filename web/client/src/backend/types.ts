import type { Priority } from "../catalogue.ts";

/** How to reach the server. */
export interface BackendOptions {
  /** The server, such as `http://127.0.0.1:3000`; a path in it is a prefix. ROOMCAST_URL when left out. */
  url?: string | undefined;
  /** One of the server's API_KEYS. ROOMCAST_API_KEY, else ROOMCAST_KEY, when left out. */
  apiKey?: string | undefined;
  /** How long a call may take with all its attempts, in ms (10000). */
  timeout?: number | undefined;
  /** How many more attempts there are after a fault that may pass (2). */
  retries?: number | undefined;
  /** Is told once of each call that failed, beside the log. What it throws is dropped. */
  onError?: ((error: BackendError, call: FailedCall) => void) | undefined;
  /** Where the line about a failed call goes (console.error). The key is never in it. */
  log?: ((line: string) => void) | undefined;
  /** In place of the runtime's own. */
  fetch?: typeof globalThis.fetch | undefined;
}

/** Which call failed. */
export interface FailedCall {
  /** Such as `sendPaymentNotification`. */
  function: string;
  /** The attempt that was the last, from 1. */
  attempt: number;
}

/**
 * Why a call failed. `code` is one of the HTTP API (`validation`, `unauthenticated`, `forbidden`, `rate_limited`,
 * `unavailable` …), or `network` (no answer), `timeout`, or `invalid_response` (what answered is no Roomcast server).
 */
export interface BackendError extends Error {
  code: string;
  /** Of the answer, when there was one. */
  status?: number;
  /** The field at fault: `data.amount`. */
  field?: string;
  /** Seconds. */
  retryAfter?: number;
  /** Finds the request in the server's log. */
  requestId?: string;
}

/** To whom: all connections of a user, one connection, the members of a channel, or everyone. */
export type Target = "user" | "client" | "channel" | "all";

/** What stands behind data where a target must be named. */
export type NamedTarget =
  | [target: Exclude<Target, "all">, targetId: string, options?: SendOptions]
  | [target: "all", targetId?: string | null | undefined, options?: SendOptions];

/** What stands behind data where the kind has a target of its own. */
export type OptionalTarget = NamedTarget | [target?: undefined, targetId?: undefined, options?: SendOptions];

/** Whether the connection is there now, for one connection; else how many connections there are now. */
export type Sent<To extends readonly unknown[]> = Promise<Reached<To[0]>>;
type Reached<T> = T extends "client" ? boolean : number;

/** What can be said of any notification besides what it says. */
export interface SendOptions {
  /** Connections that do not get it, such as the one that caused it. */
  except?: readonly string[] | undefined;
  /** For how long it is worth a replay to who comes back: `"30s"`, `"5m"`. Not with volatile. */
  ttl?: string | undefined;
  /** Only for who is connected and keeps up now: not stored, not replayed. */
  volatile?: boolean | undefined;
  /** With the same key (up to 64 visible ASCII characters) it is sent once in 10 minutes, however often it is called. */
  idempotencyKey?: string | undefined;
}

/**
 * Data of a kind: its known fields, and any others, which are passed on as they are. The index is `any` because only
 * so objects of an application's own interfaces are taken.
 */
export interface Fields {
  metadata?: GivenMetadata | undefined;
  [field: string]: any;
}

/** Metadata to be passed on; category, priority and source in place of the kind's own. */
export interface GivenMetadata {
  category?: string | undefined;
  priority?: Priority | undefined;
  source?: string | undefined;
  [field: string]: any;
}

/** Any notification. */
export interface Outgoing extends SendOptions {
  /** The event's name on the page, up to 128 bytes. */
  type: string;
  /** Any JSON, up to 256 KiB. */
  data?: unknown;
  metadata?: Record<string, any> | undefined;
}

/** What a send to several reached: success of them have a connection now, failed have none. */
export interface Multi {
  success: number;
  failed: number;
  /** Distinct ones. */
  total: number;
}

/** A connection of either transport. */
export interface ConnectionInfo {
  clientId: string;
  /** `anonymous` without a user. */
  userId: string;
  username: string;
  /** In ms since 1970, as Date.now(). */
  connectedAt: number;
  /** In ms since 1970: the last sign of life. */
  lastActive: number;
  transport: "websocket" | "polling" | "sse";
  channels: string[];
}

/** Who is connected to the server's node. */
export interface Connections {
  total: number;
  clients: ConnectionInfo[];
  /** The ids of those of them who are users. */
  activeUsers: Set<string>;
}
