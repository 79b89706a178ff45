// The bodies of the requests of hooks, and of the answers.

/** A connection of a client to a namespace. */
export interface HookConnection {
  id: string;
  namespace: string;
  /** Missing for an anonymous client. */
  userId?: string;
  username?: string;
  transport: string;
  rooms: string[];
  data: Record<string, any>;
}

/** An event of a client. Binary arguments are Buffers in Node, and Uint8Arrays elsewhere. */
export interface HookEvent {
  connection: HookConnection;
  event: string;
  args: any[];
  /** Whether the client waits for an acknowledgement. */
  wantsAck: boolean;
}

/** An emit in an answer: the body of `POST /v1/emit`, by default in the connection's namespace. */
export interface AnsweredEmit {
  /** `"@self"` is the connection, `"@others"` all others of its namespace. */
  room?: string;
  /** In place of room: `{user}`, `{users}`, `{channel}`, `{channels}`, `{client}` or `{all: true}`. */
  target?: Record<string, unknown>;
  namespace?: string;
  event: string;
  args?: unknown[];
  /** Rooms and client ids; `"@self"` leaves the connection out. */
  except?: string[];
  volatile?: boolean;
}

/** What the server does with an event. */
export interface HookAnswer {
  join?: string[];
  leave?: string[];
  emit?: AnsweredEmit[];
  /** Merged into the data of the connection; null removes a member. */
  data?: Record<string, any>;
  /** The arguments of the acknowledgement. */
  ack?: unknown[];
  disconnect?: boolean | string;
}

/** The request of a connection, as a Node server has it in `socket.handshake`. */
export interface Handshake {
  /** The `auth` of the client. Without an own login hook it has no token and no ticket. */
  auth: Record<string, any>;
  query: Record<string, any>;
  /** Names in lower case. */
  headers: Record<string, any>;
  /** The IP address of the client. */
  address: string;
}

/** A client has connected. */
export interface ConnectionRequest {
  connection: HookConnection;
  handshake: Handshake;
  /** Whether the client continues its session. */
  recovered?: boolean;
}

/** A client has left. */
export interface DisconnectRequest {
  connection: HookConnection;
  reason: string;
}

/** A client asks to be let in: the connect hook. */
export interface ConnectRequest {
  namespace: string;
  auth: Record<string, any>;
  query: Record<string, any>;
  /** `cookie`, `authorization`, `origin`, `user-agent` and `x-forwarded-for`, if they are there. */
  headers: Record<string, any>;
  ip: string;
  /** `websocket`, `polling` or `sse`. */
  transport: string;
  [field: string]: any;
}

/** Who a client is, and what it may do. Without a userId it is anonymous. */
export interface ConnectAnswer {
  userId?: string | undefined;
  username?: string | undefined;
  rooms?: string[] | undefined;
  /** Patterns of channels that it may join. */
  channels?: string[] | undefined;
  /** Patterns of channels that it may write to. */
  publish?: string[] | undefined;
  /** `socket.data` of its events. */
  data?: Record<string, any> | undefined;
  /** The connect hook is asked again then. */
  expiresAt?: string | Date | undefined;
}

/** An event of a webhook. A webhook can arrive more than once, with the same ids. */
export interface WebhookEvent {
  type: string;
  id: string;
  timestamp: string;
  data: any;
}

/** The body of a request. */
export interface HookRequest {
  type: string;
  id: string;
  timestamp: string;
  data: any;
}

const OF_CONNECTIONS = new Set(["event", "connection", "disconnect"]);

/** Returns the body of a request, or why it is none. */
export function parseRequest(body: Uint8Array): HookRequest | string {
  let request: any;
  try {
    request = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return "the body is not JSON";
  }
  if (typeof request?.type !== "string") return "type is missing, expected the type of the request";
  if (typeof request.data !== "object" || request.data === null)
    return "data is missing, expected an object";
  if (OF_CONNECTIONS.has(request.type) && !isConnection(request.data.connection))
    return "data.connection is not complete";
  if (request.type === "event" && !isEvent(request.data))
    return "data.event or data.args is missing";
  if (request.type === "connect" && typeof request.data.namespace !== "string")
    return "data.namespace is missing";
  if (request.type === "events" && !isBatch(request.data.events))
    return "data.events is not complete, expected an array of events";
  if (request.type === "batch" && !Array.isArray(request.data.events))
    return "data.events is missing, expected an array";
  return request;
}

function isConnection(c: any): c is HookConnection {
  return typeof c?.id === "string" && typeof c.namespace === "string" && Array.isArray(c.rooms) &&
    typeof c.data === "object" && c.data !== null;
}

function isBatch(events: any): events is HookRequest[] {
  return Array.isArray(events) && events.every((e) =>
    OF_CONNECTIONS.has(e?.type) && typeof e.id === "string" && isConnection(e.data?.connection) &&
    (e.type !== "event" || isEvent(e.data))
  );
}

function isEvent(data: any): boolean {
  return typeof data.event === "string" && Array.isArray(data.args);
}
