// Requests that wait for their answers.

import { within } from "./link.ts";

export class Pending {
  readonly #requests = new Map<string, [resolve: (value: any) => void, reject: (error: any) => void]>();
  #next = 0;

  /** Sends a request under an id of its own and resolves with its answer. Rejects when there is none within timeout, in ms. */
  ask(name: string, timeout: number, send: (id: string) => void): Promise<any> {
    const id = `${this.#next++}`;
    const answer = new Promise((...settle) => this.#requests.set(id, settle));
    send(id);
    return within(answer, timeout, name).finally(() => this.#requests.delete(id));
  }

  /** Takes the answer to a request: a value, or an error when failed is 1. Answers that nobody waits for are ignored. */
  settle(id: string, value: any, failed: 0 | 1): void {
    this.#requests.get(id)?.[failed](value);
  }

  /** Rejects all requests. */
  clear(error: Error): void {
    for (const [, reject] of this.#requests.values()) reject(error);
  }
}
