// Requests that wait for their answers.

import { withTimeout } from "./errors.ts";

interface Request<Note> {
  note: Note;
  settle: [resolve: (value: any) => void, reject: (error: any) => void];
}

/** Note: what the sender remembers about a request. */
export class Pending<Note = void> {
  readonly #requests = new Map<string, Request<Note>>();
  #next = 0;

  /**
   * Sends a request under an id of its own and resolves with its answer. Rejects when there is none
   * within timeout, in ms.
   */
  ask(name: string, timeout: number, note: Note, send: (id: string) => void): Promise<any> {
    const id = `${this.#next++}`;
    const answer = new Promise((...settle) => this.#requests.set(id, { note, settle }));
    send(id);
    return withTimeout(answer, timeout, name).finally(() => this.#requests.delete(id));
  }

  /** The notes of all requests, in the order they were sent. */
  get notes(): Note[] {
    return [...this.#requests.values()].map(({ note }) => note);
  }

  /**
   * Settles a request with its answer: a value, or an error when failed is 1. It ignores answers to
   * requests that have ended.
   */
  settle(id: string, value: any, failed: 0 | 1): void {
    this.#requests.get(id)?.settle[failed](value);
    this.#requests.delete(id);
  }

  /** Rejects all requests. */
  clear(error: Error): void {
    for (const { settle: [, reject] } of this.#requests.values()) reject(error);
  }
}
