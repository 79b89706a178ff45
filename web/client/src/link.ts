// What the two transports have in common: their interface to the connection, and the form of
// events.

import type { To } from "./driver.ts";
import { isReply } from "./replies.ts";
import type { ClientError, Notification } from "./types.ts";

/**
 * What a transport reports. It reports nothing after `closed`, which comes once, and nothing after
 * {@link Link.close}.
 */
export interface LinkSink {
  /**
   * value: the payload of a control event, the notification of any other event. id: the cursor
   * after the event, or "". tab: of a shared connection, the tab that the event replies to.
   */
  event(name: string, value: any, id: string, tab?: string, channels?: To): void;
  /** The transport ended. error: why, where the server or the browser gives a reason. */
  closed(reason: string, error?: ClientError): void;
  /** The server sent a sign of life, and sends the next one within ms. */
  alive(ms: number): void;
  /** The server keeps this session for a while, so that the next link can resume it. */
  session(pid: string): void;
}

/**
 * A connection over one transport, in events of Socket.IO. EventSource turns them into requests.
 */
export interface Link {
  /**
   * Sends an event without waiting for an answer. tab: of a shared connection, the tab that sends;
   * "" for the connection itself, whose replies are for all tabs.
   */
  emit(event: string, args: unknown[], tab?: string): void;
  /** Sends an event and resolves with its acknowledgement. */
  ask(event: string, args: unknown[], tab?: string): Promise<any>;
  /** Closes the link. ordered: tells the server first. */
  close(ordered?: boolean): void;
}

/** What a link sends to identify itself and to resume. */
export interface Handshake {
  userId?: string | undefined;
  username?: string | undefined;
  token?: string | undefined;
  ticket?: string | undefined;
  since?: string | undefined;
  pid?: string | undefined;
  sessionId: string;
  channels: string[];
  /** Asks the server for the channels of each event. */
  target?: boolean | undefined;
}

/** Reports whether a value is an id of the log: "5f3a9c01-1042", or "1764201600000-3" of a stream. */
export const isId = (value: unknown): value is string =>
  typeof value === "string" && /^([\da-f]{8}-\d{1,16}|\d{13}-\d{1,7})$/.test(value);

/**
 * The control events, which EventSource receives under their own names. `sync` and `heartbeat` only
 * move the cursor.
 */
export const CONTROL_EVENTS = (
  "connected gap recovery sync heartbeat overloaded disconnected " +
  "auth:expiring auth:expired auth:refreshed error"
).split(" ");

/** Returns a random id. crypto.randomUUID is missing on pages without TLS. */
export const uniqueId = (): string => crypto.getRandomValues(new Uint32Array(4)).join("-");

/**
 * Returns the value as JSON has it, which later changes do not affect. Throws where JSON.stringify
 * does.
 */
export const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value));

/**
 * Returns the notification in the arguments of an event. Events that Go code emits, and replies,
 * are wrapped into one. own: the trailing id is the id of this event, not only the cursor at its
 * place; for a reply it is always the cursor, which also moves on with notifications for other
 * users.
 */
export function notificationOf(name: string, args: any[], id: string, own: boolean): Notification {
  const [first] = args;
  const isNotification = args.length === 1 && first?.type === name && "data" in first &&
    first.timestamp;
  // The id of a retained notification is its own, the one after it is the client's cursor.
  const fits = (first?.id ?? id) === id || first?.metadata?.retained === true;
  if (isNotification && fits) return { metadata: {}, ...first };
  return {
    ...(own && !isReply({ type: name }) && { id }),
    type: name,
    data: args.length > 1 ? args : first ?? null,
    timestamp: new Date().toISOString(),
    metadata: {},
  };
}
