import { Listeners } from "./listeners.ts";
import { type ArgsOf, Broadcast, checkEmit, type NameOf, type Send } from "./recipients.ts";
import type { Handshake } from "./requests.ts";
import type { Run } from "./run.ts";

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
export class HookSocket<Listen, Emit, Data = any> extends Listeners<Listen> {
  readonly #host: SocketHost;
  readonly #all: Broadcast<Emit>;
  readonly #self: Broadcast<Emit>;

  constructor(host: SocketHost) {
    super();
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

  /**
   * Whether the client continues its session after a lost connection, with its id, rooms and data.
   * Known with `EVENTS_CONNECTIONS=true`.
   */
  get recovered(): boolean {
    return this.#host.run.data.recovered;
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
