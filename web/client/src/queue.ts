// Calls that wait for the connection.

import { withTimeout } from "./errors.ts";

/** The most events that wait. Requests need no such bound: each has a deadline. */
const MAX_EVENTS = 20;

interface Entry {
  send(): void;
  /** Ends a request without an answer. Events do not have it. */
  reject?(error: Error): void;
}

/** Keeps events and requests in the order of the calls until there is a connection. */
export class Queue {
  readonly #entries = new Set<Entry>();

  /** Adds an event, which has no answer. Returns false when the queue is full. */
  add(send: () => void): boolean {
    if ([...this.#entries].filter(({ reject }) => !reject).length >= MAX_EVENTS) return false;
    this.#entries.add({ send });
    return true;
  }

  /**
   * Sends a request when there is a connection and resolves with its answer. Rejects when there is
   * none within timeout, in ms.
   */
  async request<T>(send: () => Promise<T>, timeout: number): Promise<T> {
    let entry: Entry;
    // The answer is wrapped in an array, because it has a deadline of its own.
    const sent = new Promise<[Promise<T>]>((resolve, reject) =>
      this.#entries.add(entry = { send: () => resolve([send()]), reject })
    );
    return (await withTimeout(sent, timeout, "connect").finally(() => this.#entries.delete(entry)))[
      0
    ];
  }

  /** Sends everything. */
  flush(): void {
    for (const entry of this.#entries) {
      this.#entries.delete(entry);
      entry.send();
    }
  }

  /** Rejects the requests and drops the events. */
  clear(error: Error): void {
    for (const { reject } of this.#entries) reject?.(error);
    this.#entries.clear();
  }
}
