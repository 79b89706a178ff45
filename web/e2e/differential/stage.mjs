// A Stage runs one scenario with one server, and its clients write down what they see.

import { io } from "socket.io-client";
import { deadline, once, SOON, Tape } from "../wait.mjs";

/** A value as a transcript has it. */
function shown(value) {
  if (ArrayBuffer.isView(value)) return { binary: Buffer.from(value).toString("base64") };
  if (typeof value === "function") return { ack: true };
  if (value === undefined) return { undefined: true };
  if (Array.isArray(value)) return value.map(shown);
  if (value && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shown(item)]));
  return value;
}

/** An offset of this server, or of Node. */
const OFFSET = /^([0-9a-f]{8}-\d+|[\w-]{7}(\.\d+)?)$/;

class Client {
  constructor(name, socket, namespace) {
    Object.assign(this, { name, socket, namespace });
    this.tape = new Tape(name);
    const note = (event) => (...args) => this.write(event, args);
    socket.on("connect", note("connect"));
    socket.on("disconnect", (reason) => this.write("disconnect", [reason]));
    socket.on("connect_error", (error) => this.write("connect_error", [error.message, error.data]));
    socket.onAny((event, ...args) => this.write(event, args));
  }

  write(name, args) {
    if (this.socket._pid && typeof args.at(-1) === "string" && OFFSET.test(args.at(-1))) args = [...args.slice(0, -1), { offset: true }];
    this.tape.push({ name, args: shown(args) });
  }

  emit(event, ...args) {
    this.socket.emit(event, ...args);
  }

  /** Emits and waits for the acknowledgement. */
  ack(event, ...args) {
    const answer = new Promise((resolve) =>
      this.socket.emit(event, ...args, (...values) => {
        this.write(`ack of ${event}`, values);
        resolve();
      })
    );
    return deadline(answer, SOON, () => `the acknowledgement of ${event}, after ${JSON.stringify(this.tape.items)}`);
  }

  /** Emits, and writes down when no acknowledgement comes. */
  async ackWithin(ms, event, ...args) {
    await new Promise((resolve) =>
      this.socket.timeout(ms).emit(event, ...args, (error, ...values) => {
        this.write(error ? `no ack of ${event}` : `ack of ${event}`, values);
        resolve();
      })
    );
  }

  /** Writes packets past the client's parser; @ is the namespace. */
  raw(...packets) {
    for (const packet of packets)
      this.socket.io.engine.write(typeof packet === "string" ? packet.replace("@", `${this.namespace},`) : packet);
  }

  /** Waits for an event, the first one or the nth. */
  next(event, nth = 1) {
    return this.tape.until((items) => items.filter(({ name }) => name === event).length >= nth, `"${event}"`);
  }

  /** Loses the connection, until resume. */
  pause() {
    this.socket.io.reconnection(false);
    this.socket.io.engine.close();
  }
  resume() {
    this.socket.io.reconnection(true);
    this.socket.connect();
  }

  /** Waits until the server has noticed that another client is away. */
  async away(other) {
    await once({ once: (_, resolve) => other.socket.connected ? other.socket.once("disconnect", resolve) : resolve() }, "disconnect");
    for (let i = 0; i < 5; i++) await this.ack("sync");
  }
}

export class Stage {
  #clients = [];
  #notes = [];

  constructor(url, namespace, transports) {
    Object.assign(this, { url, namespace, transports });
  }

  async open(name, { namespace = "", manager, auth = {}, query } = {}) {
    const path = namespace.startsWith("/") ? namespace : `${this.namespace}${namespace && `-${namespace}`}`;
    const socket = manager ? manager.socket(path, { auth }) : io(this.url + path, {
      forceNew: true,
      transports: this.transports,
      reconnectionDelay: 20,
      reconnectionDelayMax: 50,
      auth,
      query,
    });
    const client = new Client(name, socket, path);
    this.#clients.push(client);
    return client;
  }

  /** Opens a client and waits until its handlers are there. */
  async join(name, options) {
    const client = await this.open(name, options);
    await client.next("connect");
    await client.ack("sync");
    return client;
  }

  next(client, event) {
    return client.next(event);
  }

  note(what, value) {
    this.#notes.push([what, value]);
  }

  /** Emits. Resolves with "disconnect" when that comes, or with "acknowledged" when that is first. */
  disconnectOrAck({ socket }, ...args) {
    return deadline(
      new Promise((resolve) => {
        socket.once("disconnect", () => resolve("disconnect"));
        socket.emit(...args, () => resolve("acknowledged"));
      }),
      SOON,
      "a disconnect or an acknowledgement",
    );
  }

  /** Returns what all clients have seen. */
  transcript() {
    return {
      clients: this.#clients.map(({ name, tape }) => [name, tape.items.map(({ name, args }) => [name, ...args])]),
      notes: this.#notes,
    };
  }

  close() {
    for (const { socket } of this.#clients) {
      socket.io.reconnection(false);
      socket.disconnect();
      socket.io.engine?.close();
    }
  }
}
