// Which transport a connection tries, and when. A round tries each transport at most once; the
// client waits between rounds.

import type { Options, Transport } from "./types.ts";

/**
 * How long rounds begin with EventSource after WebSocket failed where EventSource worked, in ms.
 */
const BLOCKED = 60_000;

/**
 * How long a WebSocket may take to connect before the client tries EventSource, in ms: some
 * networks swallow WebSockets silently.
 */
const SOCKET_PATIENCE = 5000;

/**
 * The codes of failures that the other transport may not have. Any other refusal would be the same
 * there.
 */
const OTHER = /^(unsupported|not_found|network|)$/;

export class Rounds {
  /** How many rounds failed since the last connection. */
  count = 0;
  /** The transport that the options name; undefined with `auto`. */
  readonly fixed: Transport | undefined;
  readonly #first: number;
  readonly #longest: number;
  #failed: Transport | undefined;
  #blockedUntil = 0;

  constructor({ transport, backoff: { min = 1000, max = 30_000 } = {} }: Options) {
    this.fixed = transport === "auto" ? undefined : transport;
    this.#first = min;
    this.#longest = max;
  }

  /** Begins a round. Returns the transport that is more likely to work. */
  begin(): Transport {
    this.#failed = undefined;
    return this.fixed ?? (Date.now() < this.#blockedUntil ? "sse" : "socket.io");
  }

  /** Returns how long a transport may take to connect, in ms. longest: the timeout of the options. */
  patience(transport: Transport, longest: number): number {
    const quick = !this.fixed && transport === "socket.io";
    return quick ? Math.min(longest, SOCKET_PATIENCE) : longest;
  }

  /** Returns the transport to try after one failed with code; undefined when the round is over. */
  next(failed: Transport, code: string): Transport | undefined {
    if (this.fixed || this.#failed || !OTHER.test(code)) return undefined;
    this.#failed = failed;
    this.#blockedUntil = 0;
    return failed === "sse" ? "socket.io" : "sse";
  }

  /** Ends a round in which a transport connected. */
  end(transport: Transport): void {
    this.count = 0;
    if (this.#failed) this.#blockedUntil = transport === "sse" ? Date.now() + BLOCKED : 0;
  }

  /**
   * Ends a round in which none did. Returns how long to wait, in ms. retryAfter: what the server
   * asked for, in seconds.
   */
  wait(retryAfter = 0): number {
    // Random, so that a server that restarts does not meet all clients at once; and never less than
    // the server asked for.
    const part = Math.random() / 2, wait = Math.min(this.#longest, this.#first * 2 ** this.count++);
    return Math.max(retryAfter * 1000 * (1 + part), wait * (1 - part));
  }
}
