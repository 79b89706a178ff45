// What a client drives: a connection of its own, or a share in the connection of another tab.

import { clientError } from "./errors.ts";
import type { Client, Joined } from "./types.ts";

/** The readable state of a connection. */
export type State = Pick<
  Client,
  "status" | "transport" | "error" | "clientId" | "connection" | "lastId"
>;

/**
 * The channels that the server sent an event to. A shared connection asks for them, because the
 * metadata of a notification is its sender's. Missing for an event to users or everyone.
 */
export type To = readonly string[] | null | undefined;

/** What a driver reports to its client. */
export interface DriverSink {
  /** tab: of a shared connection, the only one that is to get the event. */
  event(name: string, value: any, id: string, tab?: string, channels?: To): void;
  state(change: Partial<State>): void;
}

/** tab: of a shared connection, the one that calls. It alone gets the reply. */
export interface Driver {
  /**
   * Sends an event. Returns false when it cannot be sent, after reporting the reason as the event
   * `error`.
   */
  emit(event: string, args: unknown[], tab?: string): boolean;
  /** Sends an event and resolves with its acknowledgement. */
  ask(event: string, args: unknown[], tab?: string): Promise<any>;
  /** Joins and leaves channels, on this connection and on those after it. */
  change(join: readonly string[], leave: readonly string[], tab?: string): Promise<Joined>;
  reconnect(): void;
  close(): void;
}

/** Writes a debug line. */
export type Log = (...parts: unknown[]) => void;

/** Reports that an event cannot be sent. */
export function refuse(sink: DriverSink, event: string, code: string, tab?: string): false {
  sink.event("error", clientError(code, `${event} cannot be sent now`), "", tab);
  return false;
}
