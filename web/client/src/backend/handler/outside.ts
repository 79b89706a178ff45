import { standard } from "../configure.ts";
import type { EmitFunctions } from "../emit.ts";
import { type Recipients, targets } from "./recipients.ts";

/** How many emits wait for the ones before. */
const MOST = 10_000;

/** Emits outside of a request, over the HTTP API, one after the other. */
export class Outside {
  readonly #backend: EmitFunctions | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(backend: EmitFunctions | undefined) {
    this.#backend = backend;
  }

  /** Throws when the HTTP API is not configured. Failures of the request are the backend's. */
  emit(to: Recipients, event: string, args: unknown[]): void {
    for (const one of targets(to)) {
      if (this.#waiting >= MOST) throw new Error(`emit("${event}"): ${MOST} emits wait already`);
      const step = () => (this.#backend ?? standard()).emit(one, event, ...args);
      // Without a wait the first step runs in this call, which throws without a configuration.
      this.#last = this.#waiting === 0 ? step() : this.#last.then(step);
      this.#waiting++;
      const done = () => {
        this.#waiting--;
      };
      this.#last = this.#last.then(done, done);
    }
  }
}
