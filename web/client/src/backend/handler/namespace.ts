import {
  type ArgsOf,
  Broadcast,
  checkEmit,
  type NameOf,
  type Send,
} from "./recipients.ts";
import type { Handshake } from "./requests.ts";
import type { HookSocket } from "./socket.ts";

/** A client that asks to be let in, for the functions of `use`. */
export interface Entering<Data = any> {
  readonly handshake: Handshake;
  readonly nsp: { readonly name: string };
  /** The data of the connection, once it is let in. */
  data: Data;
  join(rooms: string | readonly string[]): void;
}

/** Lets a client in with next(), or refuses it with next(error). */
export type Middleware<Data = any> = (
  socket: Entering<Data>,
  next: (error?: Error) => void,
) => unknown;

/** A function that registers the listeners of a client. */
export type ConnectionListener<Listen, Emit, Data> = (
  socket: HookSocket<Listen, Emit, Data>,
) => unknown;

/** The events that clients get in a namespace, and the functions that answer theirs. */
export class HookNamespace<Listen, Emit, Data = any> {
  readonly name: string;
  /** The functions of `on("connection")`. */
  readonly listeners: ConnectionListener<Listen, Emit, Data>[] = [];
  /** The functions of `use`. */
  readonly middlewares: Middleware<Data>[] = [];
  readonly #all: Broadcast<Emit>;

  constructor(name: string, send: Send) {
    this.name = name;
    this.#all = new Broadcast(send, { namespace: name, rooms: [], except: [], volatile: false });
  }

  /**
   * Registers a function that registers the listeners of a client. It runs for each event of the
   * client, and its actions (emit, join, …) are done once for each connection.
   */
  on(
    event: "connection" | "connect",
    listener: ConnectionListener<Listen, Emit, Data>,
  ): this {
    if (event !== "connection" && event !== "connect") {
      throw new TypeError(
        `on("${event}"): expected "connection": the events of clients are events of the socket that its function gets`,
      );
    }
    this.listeners.push(listener);
    return this;
  }

  /**
   * Adds a function that lets clients in, or refuses them, in the connect hook: `CONNECT_URL` must
   * be set.
   */
  use(middleware: Middleware<Data>): this {
    this.middlewares.push(middleware);
    return this;
  }

  /** Emits to all clients of the namespace. Outside of a listener this uses the HTTP API. */
  emit<Event extends NameOf<Emit>>(event: Event, ...args: ArgsOf<Emit, Event>): true {
    checkEmit("emit", event, args);
    return this.#all.emit(event, ...args);
  }

  /** Emits the event `message` to all clients of the namespace. */
  send(...args: any[]): this {
    (this.emit as any)("message", ...args);
    return this;
  }

  to(rooms: string | readonly string[]): Broadcast<Emit> {
    return this.#all.to(rooms);
  }

  in(rooms: string | readonly string[]): Broadcast<Emit> {
    return this.#all.to(rooms);
  }

  except(rooms: string | readonly string[]): Broadcast<Emit> {
    return this.#all.except(rooms);
  }

  get volatile(): Broadcast<Emit> {
    return this.#all.volatile;
  }

  get local(): Broadcast<Emit> {
    return this.#all;
  }

  compress(_: boolean): Broadcast<Emit> {
    return this.#all;
  }

  /** Throws: the sockets are in the server. */
  fetchSockets(): never {
    throw elsewhere("fetchSockets", "GET /v1/connections");
  }

  /** Throws: the sockets are in the server. */
  socketsJoin(_: string | string[]): never {
    throw elsewhere("socketsJoin", "PUT /v1/users/{userId}/channels/{channel}");
  }

  /** Throws: the sockets are in the server. */
  socketsLeave(_: string | string[]): never {
    throw elsewhere("socketsLeave", "DELETE /v1/users/{userId}/channels/{channel}");
  }

  /** Throws: the sockets are in the server. */
  disconnectSockets(_?: boolean): never {
    throw elsewhere("disconnectSockets", "DELETE /v1/users/{userId}/connections");
  }
}

function elsewhere(name: string, route: string): Error {
  return new Error(`${name}: the sockets are in the server, see ${route} of its HTTP API`);
}

