import type { ArgsOf, NameOf } from "./recipients.ts";

/** Why a client left. */
export interface OwnEvents {
  disconnecting: (reason: string) => void;
  disconnect: (reason: string) => void;
  /** A function of `socket.use` refused an event. */
  error: (error: Error) => void;
}

/** The listener of an event: of the application's map, or of {@link OwnEvents}. */
export type ListenerOf<Events, Event> = Event extends keyof OwnEvents ? OwnEvents[Event]
  : Event extends keyof Events ? (...args: ArgsOf<Events, Event>) => unknown
  : never;

/** The names that `socket.on` takes. */
export type Listened<Events> = NameOf<Events> | keyof OwnEvents;

type Next = (error?: Error) => void;
type Listener = (...args: any[]) => unknown;

/** What listens to the events of a socket. */
export class Listeners<Listen> {
  #listeners = new Map<string, Listener[]>();
  #any: Listener[] = [];
  #use: ((event: any[], next: Next) => unknown)[] = [];

  /** Calls the listener for each such event. The answer waits for the Promise that it returns. */
  on<Event extends Listened<Listen>>(event: Event, listener: ListenerOf<Listen, Event>): this {
    if (typeof listener !== "function")
      throw new TypeError(`socket.on("${event}"): the listener is a ${typeof listener}`);
    const list = this.#listeners.get(event) ?? [];
    this.#listeners.set(event, [...list, listener as Listener]);
    return this;
  }

  /** The same as {@link on}. */
  addListener<Event extends Listened<Listen>>(
    event: Event,
    listener: ListenerOf<Listen, Event>,
  ): this {
    return this.on(event, listener);
  }

  /** Throws: all listeners live for one event. Use {@link on}, and a member of `data`. */
  once(event: string, _: unknown): never {
    throw new Error(
      `socket.once("${event}"): listeners live for one event: use socket.on and remember in socket.data that it came`,
    );
  }

  off<Event extends Listened<Listen>>(event: Event, listener: ListenerOf<Listen, Event>): this {
    const list = this.#listeners.get(event) ?? [];
    this.#listeners.set(event, list.filter((one) => one !== listener));
    return this;
  }

  /** The same as {@link off}. */
  removeListener<Event extends Listened<Listen>>(
    event: Event,
    listener: ListenerOf<Listen, Event>,
  ): this {
    return this.off(event, listener);
  }

  removeAllListeners(event?: Listened<Listen>): this {
    if (event === undefined) this.#listeners.clear();
    else this.#listeners.delete(event);
    return this;
  }

  /** Calls the listener with the name and the arguments of each event, before the others. */
  onAny(listener: (event: string, ...args: any[]) => unknown): this {
    this.#any = [...this.#any, listener];
    return this;
  }

  prependAny(listener: (event: string, ...args: any[]) => unknown): this {
    this.#any = [listener, ...this.#any];
    return this;
  }

  offAny(listener?: (event: string, ...args: any[]) => unknown): this {
    this.#any = listener ? this.#any.filter((one) => one !== listener) : [];
    return this;
  }

  /** Calls f before the listeners of each event. They are called when it calls next(). */
  use(f: (event: [event: string, ...args: any[]], next: Next) => unknown): this {
    this.#use = [...this.#use, f as (event: any[], next: Next) => unknown];
    return this;
  }

  /** Calls the listeners of an event, and resolves with their errors when all have settled. */
  async dispatch(event: string, args: any[]): Promise<unknown[]> {
    const any = errors(this.#any.map((one) => attempt(() => one.call(this, event, ...args))));
    for (const f of this.#use) {
      const refused = await passed(f, [event, ...args]);
      if (refused === undefined) continue;
      return [...await any, ...await this.#call("error", [refused]), refused];
    }
    const own = this.#call(event, args); // without an await before it, see Scopes
    return [...await any, ...await own];
  }

  /** Calls the listeners of an event of the socket itself. */
  dispatchOwn(event: "disconnecting" | "disconnect", reason: string): Promise<unknown[]> {
    return this.#call(event, [reason]);
  }

  #call(event: string, args: any[]): Promise<unknown[]> {
    const listeners = this.#listeners.get(event) ?? [];
    return errors(listeners.map((listener) => attempt(() => listener.apply(this, args))));
  }
}

/** Calls f at once. Resolves with undefined, or with [the error]. */
function attempt(f: () => unknown): Promise<[unknown] | undefined> {
  try {
    return Promise.resolve(f()).then(() => undefined, (error) => [error]);
  } catch (error) {
    return Promise.resolve([error]);
  }
}

async function errors(results: Promise<[unknown] | undefined>[]): Promise<unknown[]> {
  return (await Promise.all(results)).flatMap((result) => result ?? []);
}

/** Resolves when f calls next: with its error, if there is one. */
function passed(f: (event: any[], next: Next) => unknown, event: any[]): Promise<unknown> {
  return new Promise((resolve) => {
    attempt(() => f(event, (error?: unknown) => resolve(error ?? undefined)))
      .then((thrown) => thrown && resolve(thrown[0]));
  });
}
