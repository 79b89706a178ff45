import { type ArgsOf, Broadcast, checkEmit, type NameOf, type Send } from "./recipients.ts";
import type { Handshake } from "./requests.ts";
import type { Run } from "./run.ts";

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

/** What a socket needs of the handler. */
export interface SocketHost {
  run: Run;
  /** Adds an emit to the answer, or sends it later. */
  send: Send;
  /**
   * Reports whether an action is to be done, false for one that was done before. Throws after the
   * answer. what: names the call.
   */
  acts(what: string): boolean;
  handshake: Handshake;
}

/**
 * The client of one request. It looks like the Socket of a Node server, with these differences: it
 * lives for one request, so listeners and variables do too; `data` and `rooms` are kept by the
 * server. What it emits, joins and leaves is done when all listeners have returned.
 */
export class HookSocket<Listen, Emit, Data = any> {
  readonly #host: SocketHost;
  readonly #all: Broadcast<Emit>;
  readonly #self: Broadcast<Emit>;
  #listeners = new Map<string, Listener[]>();
  #any: Listener[] = [];
  #use: ((event: any[], next: Next) => unknown)[] = [];

  constructor(host: SocketHost) {
    this.#host = host;
    const { namespace } = host.run.connection;
    this.#all = new Broadcast(host.send, { namespace, rooms: [], except: [], volatile: false });
    this.#self = this.#all.to(this.id);
  }

  get id(): string {
    return this.#host.run.connection.id;
  }

  /** The user of the connection; undefined for an anonymous one. */
  get userId(): string | undefined {
    return this.#host.run.connection.userId;
  }

  get username(): string | undefined {
    return this.#host.run.connection.username;
  }

  /** `websocket` or `polling`. */
  get transport(): string {
    return this.#host.run.connection.transport;
  }

  /** The namespace, as `{name}`. */
  get nsp(): { readonly name: string } {
    return { name: this.#host.run.connection.namespace };
  }

  get connected(): boolean {
    return !this.#host.run.disconnect;
  }

  /** The rooms, with what `join` and `leave` changed. A copy. */
  get rooms(): Set<string> {
    return new Set(this.#host.run.rooms);
  }

  /** JSON, up to 16 KiB, which the server keeps for the later events of this connection. */
  get data(): Data {
    return this.#host.run.data.values as Data;
  }

  set data(values: Data) {
    this.#host.run.data.replace(values as Record<string, any>);
  }

  /**
   * The request that opened the connection. The part that a connection function reads while the
   * connection opens is kept; the others throw when a later event reads them.
   */
  get handshake(): Handshake {
    return this.#host.handshake;
  }

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

  /** Emits to this client. */
  emit<Event extends NameOf<Emit>>(event: Event, ...args: ArgsOf<Emit, Event>): true {
    checkEmit("socket.emit", event, args);
    return this.#self.emit(event, ...args);
  }

  /** Emits the event `message` to this client. */
  send(...args: any[]): this {
    (this.emit as any)("message", ...args);
    return this;
  }

  /** Members of the rooms get the emit, except this client. */
  to(rooms: string | readonly string[]): Broadcast<Emit> {
    return this.broadcast.to(rooms);
  }

  /** The same as {@link to}. */
  in(rooms: string | readonly string[]): Broadcast<Emit> {
    return this.to(rooms);
  }

  /** All clients of the namespace get the emit, except this client and members of the rooms. */
  except(rooms: string | readonly string[]): Broadcast<Emit> {
    return this.broadcast.except(rooms);
  }

  /** All clients of the namespace get the emit, except this one. */
  get broadcast(): Broadcast<Emit> {
    return this.#all.except(this.id);
  }

  /** Emits to this client, if it is connected and keeps up now. */
  get volatile(): Broadcast<Emit> & { readonly broadcast: Broadcast<Emit> } {
    const { broadcast } = this;
    return Object.defineProperty(this.#self.volatile, "broadcast", {
      get: () => broadcast.volatile,
    }) as Broadcast<Emit> & { readonly broadcast: Broadcast<Emit> };
  }

  /** Does nothing: the server decides what it compresses. */
  compress(_: boolean): this {
    return this;
  }

  join(rooms: string | readonly string[]): void {
    const names = [rooms].flat().map((room) => checkRoom("join", room));
    if (this.#host.acts("socket.join")) for (const name of names) this.#host.run.rooms.add(name);
  }

  leave(room: string): void {
    checkRoom("leave", room);
    if (this.#host.acts("socket.leave") && room !== this.id) this.#host.run.rooms.delete(room);
  }

  /** Ends the connection to the namespace, after the answer was done. */
  disconnect(_?: boolean): this {
    if (this.#host.acts("socket.disconnect")) this.#host.run.disconnect = true;
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

/** Returns the name of a room that a handler may choose. */
function checkRoom(from: string, room: unknown): string {
  if (typeof room !== "string" || room === "")
    throw new TypeError(`socket.${from}: the room is a ${typeof room}, expected its name`);
  if (room === "*" || /^(user|client):/.test(room)) {
    throw new TypeError(
      `socket.${from}: "${room}" belongs to the server, which puts each user into user:<id>`,
    );
  }
  return room;
}
