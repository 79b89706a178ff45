// The calls of one tab to the leader's connection.

import { clientError } from "../errors.ts";
import { Pending } from "../pending.ts";
import { Queue } from "../queue.ts";
import type { Method } from "./bus.ts";

export interface Calls {
  /** Makes a call without an answer. Returns false when too many wait for a leader. */
  add(method: Method, args: unknown[]): boolean;
  /** Makes a call and resolves with its answer. what: names it in an error. */
  request(what: string, method: Method, args: unknown[]): Promise<any>;
  /** Takes the answer to a call. failed: 1 when it is an error. */
  settle(id: string, value: unknown, failed: 0 | 1): void;
  /** Makes the calls that waited for a leader, and later ones at once. */
  follow(): void;
  /** Lets calls wait for the next leader. */
  hold(): void;
  /** Ends all calls. */
  close(): void;
}

/** timeout: for each answer, in ms. send: sends a call; id is "" where no answer is wanted. */
export function callsOf(
  timeout: number,
  send: (id: string, method: Method, args: unknown[]) => void,
): Calls {
  const waiting = new Queue(), pending = new Pending();
  let led = false;
  const hold = () => {
    led = false;
  };
  return {
    add(...call) {
      const now = () => send("", ...call);
      if (!led) return waiting.add(now);
      now();
      return true;
    },
    request(what, ...call) {
      const ask = () => pending.ask(what, timeout, undefined, (id) => send(id, ...call));
      return led ? ask() : waiting.request(ask, timeout);
    },
    settle: (...answer) => pending.settle(...answer),
    follow() {
      led = true;
      waiting.flush();
    },
    hold,
    close() {
      hold();
      for (const all of [waiting, pending]) all.clear(clientError("closed", "closed"));
    },
  };
}
