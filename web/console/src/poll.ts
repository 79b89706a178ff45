// Polling while the page is visible.

/** Repeats a request, `every` ms after each answer, and not while the page is hidden. */
export class Poll {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stop: AbortController | undefined;
  #on = false;
  #paused = false;

  constructor(
    private readonly run: (signal: AbortSignal) => Promise<void>,
    private readonly every = 2000,
  ) {
    document.addEventListener(
      "visibilitychange",
      () => document.hidden ? this.#halt() : this.#on && this.now(),
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
    this.run(stop.signal).catch(() => {}).finally(() => {
      if (!stop.signal.aborted && this.#on && !this.#paused)
        this.#timer = setTimeout(() => this.now(), this.every);
    });
  }

  #halt(): void {
    clearTimeout(this.#timer);
    this.#stop?.abort();
  }
}
