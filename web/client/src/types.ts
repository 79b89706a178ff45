import type { Catalogue } from "./catalogue.ts";

/** A notification, in the same form on every transport and for every handler. */
export interface Notification<Data = any, Type extends string = string> {
  /**
   * The id in the server's log, the same on all transports. Missing when the notification was not
   * stored (`volatile`), and in the server's replies.
   */
  id?: string;
  type: Type;
  data: Data;
  /**
   * The time of publication, RFC 3339. For an event that Go code emits under a name of its own, and
   * for a reply, the time of arrival.
   */
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
  /** The client missed nothing since its last connection. */
  recovered: boolean;
  /** Channels of the handshake that the client may not join (EventSource). */
  denied?: string[];
}

/** The server can no longer replay everything between two ids: fetch your state again. */
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

/**
 * The events of the connection itself, with the argument of their handlers. No notification has one
 * of these names.
 */
export interface ControlEvents {
  connected: Connected;
  /** The connection was lost or closed; `status` shows whether the client tries again. */
  disconnect: { reason: string };
  gap: Gap;
  recovery: Recovery;
  heartbeat: { type: "heartbeat"; timestamp: string; totalConnections: number };
  /**
   * A refusal, by the server or by the client itself; `client.error` keeps the last one of the
   * connection.
   */
  error: ClientError;
  "auth:expiring": { expiresAt: string };
  "auth:expired": Record<string, unknown>;
  "auth:refreshed": { expiresAt: string };
}

/**
 * An error, identified by its `code`: one of the HTTP API, or `network`, `timeout`, `closed`,
 * `unsupported`, `disconnected` (by the server), `credentials` (getToken or getTicket failed).
 */
export interface ClientError extends Error {
  code: string;
  /** When to try again, in seconds. */
  retryAfter?: number;
}

/**
 * `closed` is final: after {@link Client.close}, a disconnect by the server, or a refusal that
 * would be the same at the next attempt.
 */
export type Status = "connecting" | "connected" | "reconnecting" | "closed";

export type Transport = "socket.io" | "sse";

/** Removes the handler that it was returned for. */
export type Unsubscribe = () => void;

type MaybePromise<T> = T | Promise<T>;

export interface Options {
  /**
   * The address of the server (default: the page's own origin). A path in it is a prefix of both
   * endpoints.
   */
  url?: string | undefined;
  /** The user, where the server accepts a user id without a token (open mode). */
  userId?: string | undefined;
  username?: string | undefined;
  /** A JWT. It is part of a URL only with {@link tokenInUrl}. */
  token?: string | undefined;
  /** Returns a JWT. Called before each connection, and before the token of an open one expires. */
  getToken?: (() => MaybePromise<string>) | undefined;
  /** Returns a ticket for one connection, from your own backend. */
  getTicket?: (() => MaybePromise<string>) | undefined;
  /** The channels to join at the start, and again after each reconnect. */
  channels?: readonly string[] | undefined;
  /** Where to resume: an id, or `"0"` for everything that is kept (default: from now on). */
  since?: string | undefined;
  /**
   * `auto` (default): WebSocket, and EventSource where WebSocket is blocked, without a gap between.
   * `socket.io`: WebSocket only. `sse`: EventSource only.
   */
  transport?: "auto" | Transport | undefined;
  /** Handlers of these names get every notification, in addition to the handlers of its type. */
  as?: string | readonly string[] | undefined;
  /**
   * All tabs of the browser with the same url, user and channels use one connection (default
   * false).
   */
  shared?: boolean | undefined;
  /** Prints the steps of the connection, never a token (default false). */
  debug?: boolean | undefined;
  /**
   * How often to send `ping` over Socket.IO, in ms; 0: never (default 3000 with `transport:
   * "socket.io"`, else 0).
   */
  pingInterval?: number | undefined;
  /** How long an answer may take, in ms (default 10000). */
  timeout?: number | undefined;
  /**
   * The first and the longest wait before a reconnect, in ms (default 1000 and 30000). Up to half
   * of each wait is random.
   */
  backoff?: { min?: number | undefined; max?: number | undefined } | undefined;
  /** Sends cookies to another origin, which must allow it (default false). */
  withCredentials?: boolean | undefined;
  /**
   * Puts the token into the URL of an EventSource in place of a ticket (default false). Proxies may
   * log it.
   */
  tokenInUrl?: boolean | undefined;
  /** The endpoints (default `/socket.io/` and `/sse`). */
  socketPath?: string | undefined;
  ssePath?: string | undefined;
  /** For runtimes without them, such as Node 20. */
  WebSocket?: typeof globalThis.WebSocket | undefined;
  EventSource?: typeof globalThis.EventSource | undefined;
}

/** The result of a join. */
export interface Joined {
  joined: string[];
  /** Channels that the client may not join. */
  denied: string[];
}

/**
 * The server's receipt for a message: its id, and how many connections, users and channels it
 * matched.
 */
export interface Receipt {
  id?: string;
  delivered: number;
  users: number;
  channels: number;
  stored: boolean;
}

/**
 * The argument of the handlers of a name: the control event, or the notification. For a union of
 * names it is the union of theirs.
 */
export type EventOf<Name extends string> = Name extends keyof ControlEvents ? ControlEvents[Name]
  : Name extends keyof Catalogue ? Notification<Catalogue[Name], Name>
  : Notification;

/** The handler for a name. id: the cursor after the event. */
export type HandlerOf<Name extends string> = (event: EventOf<Name>, id: string) => void;

export type AnyHandler = (name: string, notification: any, id: string) => void;

/** The known names, for completion in editors. Any other name is valid too. */
export type EventName = keyof ControlEvents | keyof Catalogue | (string & {});

/**
 * A connection to the server that reconnects by itself. Its properties are cheap to read and never
 * throw.
 */
export interface Client {
  readonly status: Status;
  /** The transport of the current connection. */
  readonly transport: Transport | undefined;
  /** Why the client is not connected, if the reason is known. */
  readonly error: ClientError | undefined;
  readonly clientId: string | undefined;
  /** The last `connected` event. */
  readonly connection: Connected | undefined;
  /** The id of the last event: pass it as `since` to resume after it. */
  readonly lastId: string | undefined;

  /** Calls handler for each event of that name. The same function counts once for each name. */
  on<Name extends EventName>(name: Name, handler: HandlerOf<Name>): Unsubscribe;
  /** Calls handler for each event, after the handlers of its name. */
  onAny(handler: AnyHandler): Unsubscribe;
  /** Calls handler after each change of status, transport, error or clientId. */
  onStatus(handler: (client: Client) => void): Unsubscribe;
  /**
   * Removes one handler, all handlers of a name, or all handlers, those of `onAny` and `onStatus`
   * included.
   */
  off(name?: string, handler?: (...args: any[]) => void): void;

  /**
   * Joins channels, now and after each reconnect. Rejects when the server does not answer in time.
   */
  join(...channels: string[]): Promise<Joined>;
  leave(...channels: string[]): Promise<void>;
  /**
   * Sends a message to a channel, whose members get the event `message`. Rejects when the server
   * refuses it.
   */
  send(channel: string, message: unknown, metadata?: Record<string, unknown>): Promise<Receipt>;
  /**
   * Sends an event to handlers of Go code (Socket.IO only). Up to 20 events wait for a connection.
   * Returns false when the event cannot be sent.
   */
  emit(event: string, ...args: unknown[]): boolean;
  /** Sends an event and resolves with its acknowledgement (Socket.IO only). */
  ack<Reply = any>(event: string, ...args: unknown[]): Promise<Reply>;

  /**
   * Asks the server for the present position in its log. A client that connects with it as `since`
   * gets everything that is published after the answer.
   */
  position(options?: { signal?: AbortSignal | undefined }): Promise<string>;

  /** Connects again at once, also after a close. */
  reconnect(): void;
  /** Disconnects for good. Handlers stay, for a later {@link reconnect}. */
  close(): void;
}

/** The data of a notification of this type. */
export type DataOf<Type extends string> = Type extends keyof Catalogue ? Catalogue[Type] : any;

/**
 * For each type, how a notification changes the state: returns the new state, or undefined to have
 * the state read again.
 */
export type Reducers<State, Type extends string> = {
  [Name in Type]: (
    state: State,
    data: DataOf<Name>,
    notification: Notification<DataOf<Name>, Name>,
  ) => State | undefined;
};

export interface LiveOptions<State> {
  /** The channels to be in, besides those of the client. Channels that are denied are an error. */
  channels?: readonly string[] | undefined;
  /** The state until it is read. */
  initialData?: State | undefined;
  /**
   * Whether to read the state again after an error: always (default), never, so many times, or as
   * the function decides.
   */
  retry?: boolean | number | ((failures: number, error: unknown) => boolean) | undefined;
  /**
   * The first and the longest wait after an error, in ms (default 1000 and 30000). Up to half of
   * each wait is random.
   */
  backoff?: { min?: number | undefined; max?: number | undefined } | undefined;
}

export interface LiveState<State> {
  /** The last state that was read, with the notifications since. It stays while it is read again. */
  data: State | undefined;
  /** Why the last read failed. */
  error: unknown;
  /** Nothing was read so far. */
  isLoading: boolean;
  /** A read is running. */
  isFetching: boolean;
  /** The data is what was read, and every notification since then is in it. */
  isLive: boolean;
}

/** A state that is kept up to date while it has a subscriber. */
export interface Live<State> {
  /** The present state: the same object until it changes. */
  get(): LiveState<State>;
  /** Calls listener after changes, at most 60 times a second. */
  subscribe(listener: () => void): Unsubscribe;
  /** Reads the state again. The promise resolves after the read, whether it failed or not. */
  refetch(): Promise<void>;
}
