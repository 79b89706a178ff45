import type { EmitTo } from "../emit.ts";

/** Who gets an emit. */
export interface Recipients {
  namespace: string;
  /** Members of any of these; without one, all clients of the namespace. */
  rooms: readonly string[];
  except: readonly string[];
  volatile: boolean;
}

/** Reports whether a client of the namespace that is in these rooms gets an emit. */
export function reaches(to: Recipients, rooms: ReadonlySet<string>): boolean {
  const has = (room: string) => rooms.has(room);
  return (to.rooms.length === 0 || to.rooms.some(has)) && !to.except.some(has);
}

/**
 * Returns the emits of the HTTP API that reach the recipients, each client once: one for each room,
 * which leaves out the members of those before.
 */
export function targets({ namespace, rooms, except, volatile }: Recipients): EmitTo[] {
  const rest = { namespace, ...(volatile && { volatile }) };
  const without = (names: readonly string[]) => names.length > 0 ? { except: names } : {};
  if (rooms.length === 0) return [{ all: true, ...rest, ...without(except) }];
  return rooms.map((room, i) => ({ room, ...rest, ...without([...except, ...rooms.slice(0, i)]) }));
}

const RESERVED = new Set([
  "connect",
  "connect_error",
  "disconnect",
  "disconnecting",
  "newListener",
  "removeListener",
]);

/** Throws when an event cannot be emitted. from: the name of the function. */
export function checkEmit(from: string, event: unknown, args: readonly unknown[]): void {
  if (typeof event !== "string" || event === "")
    throw new TypeError(`${from}: the event is a ${typeof event}, expected its name`);
  if (RESERVED.has(event)) throw new TypeError(`${from}: "${event}" is a reserved event name`);
  if (typeof args.at(-1) === "function") {
    throw new TypeError(
      `${from}("${event}"): a handler cannot wait for an acknowledgement: use emitWithAck of roomcast/backend`,
    );
  }
}

/** Adds an emit to a request, or sends it over the HTTP API. */
export type Send = (to: Recipients, event: string, args: unknown[]) => void;

/** The arguments of an event in a map of listeners. */
export type ArgsOf<Events, Event> = 0 extends 1 & Events ? any[] // Events is any
  : Event extends keyof Events ? Events[Event] extends (...args: infer Args) => any ? Args : never
  : never;

/** The names of the events in a map of listeners. */
export type NameOf<Events> = keyof Events & string;

/** An emit that gets its recipients step by step, as in Socket.IO. Each step is a new object. */
export class Broadcast<Events> {
  readonly #send: Send;
  readonly #to: Recipients;

  constructor(send: Send, to: Recipients) {
    this.#send = send;
    this.#to = to;
  }

  /** Members of the rooms get it, each once. Without any room, all clients of the namespace do. */
  to(rooms: string | readonly string[]): Broadcast<Events> {
    return this.#with({ rooms: union("to", this.#to.rooms, rooms) });
  }

  /** The same as {@link to}. */
  in(rooms: string | readonly string[]): Broadcast<Events> {
    return this.to(rooms);
  }

  /** Members of the rooms do not get it. The id of a socket is a room with only that socket. */
  except(rooms: string | readonly string[]): Broadcast<Events> {
    return this.#with({ except: union("except", this.#to.except, rooms) });
  }

  /** Only for clients that are connected and keep up now: not stored, not replayed. */
  get volatile(): Broadcast<Events> {
    return this.#with({ volatile: true });
  }

  /** Does nothing: there is one server. */
  get local(): this {
    return this;
  }

  /** Does nothing: the server decides what it compresses. */
  compress(_: boolean): this {
    return this;
  }

  emit<Event extends NameOf<Events>>(event: Event, ...args: ArgsOf<Events, Event>): true {
    checkEmit("emit", event, args);
    this.#send(this.#to, event, args);
    return true;
  }

  #with(change: Partial<Recipients>): Broadcast<Events> {
    return new Broadcast<Events>(this.#send, { ...this.#to, ...change });
  }
}

function union(from: string, names: readonly string[], more: string | readonly string[]): string[] {
  const added = [more].flat();
  for (const name of added) {
    if (typeof name !== "string" || name === "")
      throw new TypeError(`${from}: a room is ${JSON.stringify(name)}, expected its name`);
  }
  return [...new Set([...names, ...added])];
}
