import type { Catalogue } from "./catalogue.ts";

/** What was published, in the shape that every transport and every handler sees. */
export interface Notification<Data = any, Type extends string = string> {
  /** Of the log, the same on all transports. Absent from what was not stored (`volatile`). */
  id?: string;
  type: Type;
  data: Data;
  /** When it was published, RFC 3339. For an event that Go code emitted under a name of its own: when it arrived. */
  timestamp: string;
  /** `category`, `priority`, `source`, `channel` … */
  metadata: Record<string, unknown>;
}

/** The first event of every connection. */
export interface Connected {
  type: "connected";
  clientId: string;
  socketId: string;
  userId: string;
  username: string;
  timestamp: string;
  totalConnections: number;
  /** Nothing was missed since the connection before. */
  recovered: boolean;
  /** Channels asked for that may not be joined (EventSource). */
  denied?: string[];
}

/** Something between two ids can no longer be replayed: fetch your state anew. */
export interface Gap {
  from: string;
  to: string;
  rooms?: string[];
  reason: "trimmed" | "epoch" | "ahead" | "invalid" | "too_many";
}

/** The end of a replay. */
export interface Recovery {
  recovered: boolean;
  replayed: number;
  from: string;
  to: string;
}

/** The events of the connection itself, with what their handlers get. No notification can have these names. */
export interface ControlEvents {
  connected: Connected;
  /** The connection was lost or closed; `status` tells whether it is tried again. */
  disconnect: { reason: string };
  gap: Gap;
  recovery: Recovery;
  heartbeat: { type: "heartbeat"; timestamp: string; totalConnections: number };
  /** A refusal, by the server or by the client itself; `client.error` keeps the last one of the connection. */
  error: ClientError;
  "auth:expiring": { expiresAt: string };
  "auth:expired": Record<string, unknown>;
  "auth:refreshed": { expiresAt: string };
}

/**
 * Told apart by `code`: the codes of the HTTP API, and `network`, `timeout`, `closed`, `unsupported`, `disconnected` (by the
 * server), `credentials` (getToken or getTicket failed).
 */
export interface ClientError extends Error {
  code: string;
  /** Seconds. */
  retryAfter?: number;
}

/** `closed` is for good, by {@link Client.close}, by the server's order or by a refusal that no retry mends. */
export type Status = "connecting" | "connected" | "reconnecting" | "closed";

export type Transport = "socket.io" | "sse";

/** Ends what it was returned for. */
export type Unsubscribe = () => void;

/** A client's own answer, or a promise of one. */
type Later<T> = T | Promise<T>;

export interface Options {
  /** The server; the page's own origin when left out. A path in it is a prefix of both endpoints. */
  url?: string | undefined;
  /** Who it is, where the server believes a bare user id (open mode). */
  userId?: string | undefined;
  username?: string | undefined;
  /** A JWT. It is never written into a URL unless {@link tokenInUrl} asks for it. */
  token?: string | undefined;
  /** Returns a JWT: asked before each connection and before the token of a running one ends. */
  getToken?: (() => Later<string>) | undefined;
  /** Returns a ticket for one connection, from your own backend. */
  getTicket?: (() => Later<string>) | undefined;
  /** To be joined at once, and again after each reconnect. */
  channels?: readonly string[] | undefined;
  /** Where to go on: an id, `"0"` for all that is kept. From now on when left out. */
  since?: string | undefined;
  /**
   * `auto` (default): WebSocket, and EventSource where that is blocked, with nothing missed in between.
   * `socket.io`: WebSocket only. `sse`: EventSource only.
   */
  transport?: "auto" | Transport | undefined;
  /** Handlers of these names get every notification, besides the handlers of its own type. */
  as?: string | readonly string[] | undefined;
  /** The tabs of a browser that have the same url, user and channels use one connection (default false). */
  shared?: boolean | undefined;
  /** Prints what happens to the connection, never a token. */
  debug?: boolean | undefined;
  /** How often `ping` is sent over Socket.IO, in ms; 0: never. 3000 with `transport: "socket.io"`, else 0. */
  pingInterval?: number | undefined;
  /** How long an answer may take, in ms (10000). */
  timeout?: number | undefined;
  /** The first wait before a reconnect and the longest, in ms (1000 and 30000); half of each is random. */
  backoff?: { min?: number | undefined; max?: number | undefined } | undefined;
  /** Send cookies to another origin, which must allow it. */
  withCredentials?: boolean | undefined;
  /** Let EventSource show the token in its URL, where no ticket can be had. Others may log it. */
  tokenInUrl?: boolean | undefined;
  /** The endpoints (`/socket.io/` and `/sse`). */
  socketPath?: string | undefined;
  ssePath?: string | undefined;
  /** For programs whose runtime has none. */
  WebSocket?: typeof globalThis.WebSocket | undefined;
  EventSource?: typeof globalThis.EventSource | undefined;
}

/** What a join came to. */
export interface Joined {
  joined: string[];
  /** Refused. */
  denied: string[];
}

/** What the server says of a message: its id, and how many connections it was for. */
export interface Receipt {
  id?: string;
  delivered: number;
  users: number;
  channels: number;
  stored: boolean;
}

/** What handlers of a name get: the control event, or the notification. Of several names, what any of them gives. */
export type EventOf<Name extends string> =
  Name extends keyof ControlEvents ? ControlEvents[Name]
    : Name extends keyof Catalogue ? Notification<Catalogue[Name], Name> : Notification;

/** The handler for a name. id: the cursor after the event. */
export type HandlerOf<Name extends string> = (event: EventOf<Name>, id: string) => void;

export type AnyHandler = (name: string, notification: any, id: string) => void;

/** The names that an editor offers; any other is as good. */
export type EventName = keyof ControlEvents | keyof Catalogue | (string & {});

/** A connection to the server that keeps itself up. Everything that reads the state is cheap and never throws. */
export interface Client {
  readonly status: Status;
  /** What it is connected by. */
  readonly transport: Transport | undefined;
  /** Why it is not connected, as far as that is known. */
  readonly error: ClientError | undefined;
  readonly clientId: string | undefined;
  /** The last `connected` event. */
  readonly connection: Connected | undefined;
  /** The id of the last event: give it as `since` to go on from there. */
  readonly lastId: string | undefined;

  /** Calls handler for each event of that name. The same function may be given once for each name. */
  on<Name extends EventName>(name: Name, handler: HandlerOf<Name>): Unsubscribe;
  /** Calls handler for each event of any name, after those of its own name. */
  onAny(handler: AnyHandler): Unsubscribe;
  /** Calls handler after each change of status, transport, error or clientId. */
  onStatus(handler: (client: Client) => void): Unsubscribe;
  /** Ends what `on`, `onAny` or `onStatus` began: one handler, all of a name, or all. */
  off(name?: string, handler?: (...args: any[]) => void): void;

  /** Joins channels, now and after each reconnect. Rejects when no answer comes. */
  join(...channels: string[]): Promise<Joined>;
  leave(...channels: string[]): Promise<void>;
  /** Sends a message to a channel: its members get the event `message`. Rejects when the server refuses it. */
  send(channel: string, message: unknown, metadata?: Record<string, unknown>): Promise<Receipt>;
  /** Sends an event to handlers of Go code (Socket.IO only). Before the connection is up, up to 20 wait for it. */
  emit(event: string, ...args: unknown[]): boolean;
  /** Sends an event and resolves with its acknowledgement (Socket.IO only). */
  ack<Reply = any>(event: string, ...args: unknown[]): Promise<Reply>;

  /** Connects anew at once, also after a close. */
  reconnect(): void;
  /** Leaves in order, for good. Handlers stay, for a later {@link reconnect}. */
  close(): void;
}
