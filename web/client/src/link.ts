// What the two transports have in common: the face they show the connection, and the shape in which events leave them.

import { isReply } from "./replies.ts";
import type { ClientError, Notification } from "./types.ts";

/** What a transport reports. It reports nothing after `closed`, which comes once, and nothing after {@link Link.close}. */
export interface LinkSink {
  /**
   * value: the payload of a control event, the notification of any other. id: the cursor after it, or "". tab: of a shared
   * connection, the tab that the event replies to.
   */
  event(name: string, value: any, id: string, tab?: string): void;
  /** The transport has ended. error: what the server, or the lack of something, says about it. */
  closed(reason: string, error?: ClientError): void;
  /** There is a sign of the server, and the next is due within ms. */
  alive(ms: number): void;
  /** The server keeps this session for a while (connection state recovery). */
  session(pid: string): void;
}

/** A connection over one transport. It speaks in events of Socket.IO; the stream translates them to requests. */
export interface Link {
  /** tab: of a shared connection, the one that sends; "" for the connection itself, whose replies are for all tabs. */
  emit(event: string, args: unknown[], tab?: string): void;
  ask(event: string, args: unknown[], tab?: string): Promise<any>;
  /** Ends it. ordered: the server is told. */
  close(ordered?: boolean): void;
}

/** What one connection shows of itself. */
export interface Hello {
  userId?: string | undefined;
  username?: string | undefined;
  token?: string | undefined;
  ticket?: string | undefined;
  since?: string | undefined;
  pid?: string | undefined;
  sessionId: string;
  channels: string[];
}

export const isId = (value: unknown): value is string =>
  typeof value === "string" && /^[\da-f]{8}-\d{1,16}$/.test(value);

/** The control events that come on a stream under their own names. `sync` and `heartbeat` only move the cursor. */
export const CONTROL = "connected gap recovery sync heartbeat overloaded disconnected auth:expiring auth:expired auth:refreshed error"
  .split(" ");

export function fail(code: string, message: string, retryAfter?: number): ClientError {
  return Object.assign(new Error(message), { code, retryAfter: retryAfter || undefined }) as ClientError;
}

/** An error of ours, or of the page's making. One of the browser's own has a number for a code, or none. */
export const coded = (error: any): ClientError | undefined => typeof error.code === "string" ? error : undefined;

/** A name that nobody else has. crypto.randomUUID is missing where a page has no TLS. */
export const unique = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

/** What JSON makes of a value: another one, that changes no more. Throws where JSON.stringify does. */
export const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value));

/** Rejects when promise takes longer than ms. */
export function within<T>(promise: T | Promise<T>, ms: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(fail("timeout", `${what}: no answer within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The acknowledgement's value, or the error it tells of. */
export function settled(reply: any): any {
  const error = reply?.error;
  if (error?.code) throw fail(error.code, error.message ?? error.code, error.retryAfter);
  return reply;
}

/**
 * The notification in the arguments of an event. Events that Go code emitted, and replies, are no notifications: they are
 * put into one. own: the trailing id is this event's, not only the cursor at its place. It never is a reply's: the cursor
 * moves on with notifications for others too.
 */
export function notificationOf(name: string, args: any[], id: string, own: boolean): Notification {
  const [first] = args;
  if (args.length === 1 && first?.type === name && "data" in first && first.timestamp && (first.id ?? id) === id) {
    return { metadata: {}, ...first };
  }
  return {
    ...(own && !isReply({ type: name }) && { id }), type: name, data: args.length > 1 ? args : first ?? null,
    timestamp: new Date().toISOString(), metadata: {},
  };
}

/** The user that a token is of, as it says itself; the server is who checks that. */
export function subject(token?: string): string | undefined {
  try {
    return JSON.parse(atob(token!.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/"))).sub;
  } catch {
    return undefined;
  }
}
