// Polling while the page is visible.

import type { Problem } from "./api.ts";

/**
 * Repeats a request, `every` ms after each answer, and not while the page is hidden. After a 401 or
 * 403 it repeats nothing until {@link Poll.now}: each request with a wrong key counts as a guess, and
 * too many guesses lock out the address.
 */
export class Poll {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stop: AbortController | undefined;
  #on = false;
  #paused = false;
  #refused = false;

  /** run: makes the request, and resolves with the problem if there is one. */
  constructor(
    private readonly run: (signal: AbortSignal) => Promise<Problem | undefined>,
    private readonly every = 2000,
  ) {
    document.addEventListener(
      "visibilitychange",
      () => document.hidden ? this.#halt() : this.#on && !this.#refused && this.now(),
    );
  }

  start(): void {
    this.#on = true;
    this.now();
  }

  stop(): void {
    this.#on = false;
    this.#halt();
  }

  /** Stops or resumes the repetition. */
  set paused(paused: boolean) {
    this.#paused = paused;
    if (paused) this.#halt();
    else if (this.#on) this.now();
  }

  /** Makes a request at once. */
  now(): void {
    this.#halt();
    const stop = this.#stop = new AbortController();
    this.run(stop.signal).catch(() => undefined).then((problem) => {
      if (stop.signal.aborted) return;
      this.#refused = problem?.status === 401 || problem?.status === 403;
      if (this.#on && !this.#paused && !this.#refused)
        this.#timer = setTimeout(() => this.now(), this.every);
    });
  }

  #halt(): void {
    clearTimeout(this.#timer);
    this.#stop?.abort();
  }
}
