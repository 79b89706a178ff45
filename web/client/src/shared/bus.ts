// The messages between the tabs.

import type { State, To } from "../driver.ts";
import { clientError } from "../errors.ts";
import type { ClientError } from "../types.ts";

/** The methods of the leader's connection that other tabs call. */
export type Method = "emit" | "ask" | "change";

/** The messages, with their arguments. */
export interface Messages {
  /**
   * A tab and its channels. The leader answers with its state, when its connection has proved to be
   * alive.
   */
  hello(tab: string, channels: string[]): void;
  /** The channels of a tab, before the call that joins or leaves them. */
  channels(tab: string, channels: string[]): void;
  /** A tab ended, or stopped to lead ("" for the tab). led: it was the leader. */
  gone(tab: string, led: boolean): void;
  /** The state of the leader's connection and, in answer to a hello, the channels of all tabs. */
  state(state: Partial<State>, channels?: [tab: string, channels: string[]][]): void;
  /**
   * An event of the leader's connection. tab: the only one that delivers it; channels: those that
   * the server sent it to. The id counts for all.
   */
  event(name: string, value: unknown, id: string, tab?: string, channels?: To): void;
  /** A tab calls a method of the leader's connection. id: of the call. */
  call(tab: string, id: string, method: Method, args: unknown[]): void;
  /** The answer to a call. failed: 1 when value is an error. */
  answer(tab: string, id: string, value: unknown, failed: 0 | 1): void;
  /** Asks the leader to connect again, with a newer token if the tab has one. */
  reconnect(token?: string): void;
}

export interface Bus {
  post<Name extends keyof Messages>(name: Name, ...args: Parameters<Messages[Name]>): void;
  close(): void;
}

/** Opens a BroadcastChannel with typed messages. A tab does not receive its own. */
export function openBus(name: string, receiver: Messages): Bus {
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data: [message, ...args] }) => (receiver as any)[message]?.(...args);
  return { post: (...message) => channel.postMessage(message), close: () => channel.close() };
}

/** Returns the form of an error in a message: the browser's own copy of an Error has no code. */
export const plain = (value: any): any =>
  value instanceof Error ? { ...value, message: value.message } : value;

/** Returns the error of this form. */
export const revived = (value: any): ClientError =>
  value && clientError(value.code, value.message, value.retryAfter);
