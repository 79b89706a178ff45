// Waiting for things that happen, each with a deadline. Nothing here waits for time to pass.

/** How long something that happens at once may take on a busy machine, in ms. No test proves speed by it. */
export const SOON = 60_000;

/** How long a compiler, a bundler or a package manager may take, in ms. */
export const BUILD = 240_000;

/** The options of a test. Each wait inside it has a deadline of its own; this one is for the test as a whole. */
export const TEST = { timeout: 300_000 };

/** Rejects when promise has not settled in time, saying what it was waiting for. */
export function deadline(promise, ms, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${typeof what === "function" ? what() : what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Asks again until ask says something true: for what can only be asked, such as a server that is starting. */
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
  throw new Error(`waited ${ms} ms for ${typeof what === "function" ? what() : what}`, { cause: last });
}

/** Calls run for each item, at most limit at a time: hundreds of processes at once would starve each other. */
export async function forEach(items, limit, run) {
  const queue = items.values(); // an iterator that all workers share
  const work = async () => { for (const item of queue) await run(item); };
  await Promise.all(Array.from({ length: limit }, work));
}

/** Resolves with the arguments of the next `name` of an emitter (socket, engine, process). */
export function once(emitter, name, ms = SOON) {
  return deadline(new Promise((resolve) => emitter.once(name, (...args) => resolve(args))), ms, `"${name}"`);
}

/** A Tape keeps what arrived, in order, and lets a test wait for what is to arrive. */
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

  /** Resolves with what find(items) returns, as soon as that is something. */
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
    return deadline(found, ms, () => `${what} at ${this.name}, which has ${this.items.length}, the last: ${JSON.stringify(this.items.slice(-5))}`)
      .finally(() => this.#waiting.delete(check));
  }

  /** Resolves with the first item called name, from position from on, that test (if any) accepts. */
  next(name, { from = 0, test = () => true, ms = SOON } = {}) {
    return this.until((items) => items.slice(from).find((item) => item.name === name && test(item)), `"${name}"`, ms);
  }

  /** Resolves with the first n items that pick accepts. */
  take(n, pick, ms = SOON) {
    let seen = 0;
    const picked = [];
    return this.until((items) => {
      for (; seen < items.length && picked.length < n; seen++) if (pick(items[seen])) picked.push(items[seen]);
      return picked.length >= n && picked;
    }, `${n} of its kind`, ms);
  }

  named(name) {
    return this.items.filter((item) => item.name === name);
  }
}
