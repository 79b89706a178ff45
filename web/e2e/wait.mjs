// Waits for events and conditions, each with a deadline. Nothing here waits for time to pass.

/**
 * How long an immediate result may take on a busy machine, in ms. No test measures speed with it.
 */
export const SOON = 60_000;

/** Whether tests run in their long form, as in `make soak`. */
export const SOAK = Boolean(globalThis.process?.env.ROOMCAST_SOAK);

/** How long a compiler, a bundler or a package manager may take, in ms. */
export const BUILD = 240_000;

/** The options of a test. Each wait in it has its own deadline; this one is for the whole test. */
export const TEST = { timeout: 300_000 };

/** Rejects when promise does not settle within ms. what: names the wait in the error. */
export function deadline(promise, ms, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`waited ${ms} ms for ${typeof what === "function" ? what() : what}`)),
      ms,
    );
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/**
 * Calls ask again until it returns a true value, for conditions without an event, such as a server
 * that starts.
 */
export async function retry(ask, what, ms = SOON) {
  const end = performance.now() + ms;
  let last;
  while (performance.now() < end) {
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`waited ${ms} ms for ${typeof what === "function" ? what() : what}`, {
    cause: last,
  });
}

/**
 * Calls run for each item, at most limit at a time, so that many processes do not starve each
 * other.
 */
export async function forEach(items, limit, run) {
  const queue = items.values(); // one iterator for all workers
  const work = async () => {
    for (const item of queue) await run(item);
  };
  await Promise.all(Array.from({ length: limit }, work));
}

/** Resolves with the arguments of the next `name` of an emitter (socket, engine, process). */
export function once(emitter, name, ms = SOON) {
  return deadline(
    new Promise((resolve) => emitter.once(name, (...args) => resolve(args))),
    ms,
    `"${name}"`,
  );
}

/** A Tape keeps items in the order they arrived, and lets a test wait for further ones. */
export class Tape {
  items = [];
  #waiting = new Set();

  constructor(name) {
    this.name = name;
  }

  push(item) {
    this.items.push(item);
    for (const check of this.#waiting) check();
  }

  /** Resolves with the first true value that find(items) returns. */
  until(find, what, ms = SOON) {
    let check;
    const found = new Promise((resolve, reject) => {
      check = () => {
        try {
          const result = find(this.items);
          if (result) resolve(result);
        } catch (error) {
          reject(error);
        }
      };
      this.#waiting.add(check);
      check();
    });
    return deadline(
      found,
      ms,
      () =>
        `${what} at ${this.name}, which has ${this.items.length}, the last: ${
          JSON.stringify(this.items.slice(-5))
        }`,
    )
      .finally(() => this.#waiting.delete(check));
  }

  /** Resolves with the first item of that name, from position `from` on, that test accepts. */
  next(name, { from = 0, test = () => true, ms = SOON } = {}) {
    return this.until(
      (items) => items.slice(from).find((item) => item.name === name && test(item)),
      `"${name}"`,
      ms,
    );
  }

  /** Resolves with the first n items that pick accepts. */
  take(n, pick, ms = SOON) {
    let seen = 0;
    const picked = [];
    return this.until(
      (items) => {
        for (; seen < items.length && picked.length < n; seen++)
          if (pick(items[seen]))
            picked
              .push(items[seen]);
        return picked.length >= n && picked;
      },
      `${n} of its kind`,
      ms,
    );
  }

  named(name) {
    return this.items.filter((item) => item.name === name);
  }
}
