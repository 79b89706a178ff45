import type { Run } from "./run.ts";

/** The request for which code runs. */
export interface Scope {
  run: Run;
  /** Whether it is in a connection function that runs again, whose actions were done before. */
  repeated: boolean;
}

interface Storage {
  run<T>(scope: Scope, f: () => T): T;
  getStore(): Scope | undefined;
}

/**
 * Knows for which request code runs. Without AsyncLocalStorage, as in some edge runtimes, it knows
 * that until the first `await` of a function only.
 */
export class Scopes {
  #storage: Storage | undefined;
  #loaded: Promise<void> | undefined;
  #current: Scope | undefined;

  load(): Promise<void> {
    return this.#loaded ??= loadStorage().then((storage) => {
      this.#storage = storage;
    });
  }

  within<T>(scope: Scope, f: () => T): T {
    const outer = this.#current;
    this.#current = scope;
    try {
      return this.#storage ? this.#storage.run(scope, f) : f();
    } finally {
      this.#current = outer;
    }
  }

  current(): Scope | undefined {
    return this.#storage ? this.#storage.getStore() : this.#current;
  }
}

async function loadStorage(): Promise<Storage | undefined> {
  const { process, AsyncLocalStorage } = globalThis as any;
  if (AsyncLocalStorage) return new AsyncLocalStorage();
  const name = "node:async_hooks"; // not a literal, because bundlers for browsers would look for it
  try {
    const hooks = process?.getBuiltinModule?.(name) ??
      await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
    return new hooks.AsyncLocalStorage();
  } catch {
    return undefined;
  }
}
