// Servers as senders: one interface for what a server on Node does by the methods of socket.io, and
// a backend of Roomcast by the HTTP API.

import { retry } from "../wait.mjs";

/** A message without these is an event "e" to all clients of "/". */
const DEFAULTS = { namespace: "/", rooms: [], except: [], event: "e", args: [] };

export class NodeSender {
  kind = "node";

  constructor(server) {
    this.server = server;
  }

  /** Emits an event. */
  async emit(message) {
    const { namespace, rooms, except, event, args, ...flags } = { ...DEFAULTS, ...message };
    let to = this.server.io.of(namespace).to(rooms).except(except);
    if (flags.volatile) to = to.volatile;
    if (flags.compress !== undefined) to = to.compress(flags.compress);
    to.emit(event, ...args);
  }

  async join(user, channel) {
    this.server.io.in(`user:${user}`).socketsJoin(channel);
    await this.#until(user, ({ rooms }) => rooms.has(channel));
  }

  async leave(user, channel) {
    this.server.io.in(`user:${user}`).socketsLeave(channel);
    await this.#until(user, ({ rooms }) => !rooms.has(channel));
  }

  /** Waits for the server's own clients: with the pub/sub adapter they change when Redis has it. */
  async #until(user, is) {
    if (!this.server.http) return; // an emitter
    const { local } = this.server.io.in(`user:${user}`);
    await retry(async () => (await local.fetchSockets()).every(is), "the server's own clients");
  }

  async end(user) {
    this.server.io.in(`user:${user}`).disconnectSockets();
  }
}

export class RoomcastSender {
  kind = "roomcast";

  constructor(server) {
    this.server = server;
  }

  /** Emits an event. Resolves with its id. */
  async emit(message) {
    const { rooms, args, ...rest } = { ...DEFAULTS, ...message };
    const to = rooms.length === 0
      ? { target: { all: true } }
      : rooms.length === 1
      ? { room: rooms[0] }
      : { target: { channels: rooms } };
    const { id } = await this.#call("POST", "/v1/emit", { ...to, ...rest, args: args.map(wire) });
    return id;
  }

  join(user, channel) {
    return this.#call("PUT", `/v1/users/${encodeURIComponent(user)}/channels/${channel}`);
  }

  leave(user, channel) {
    return this.#call("DELETE", `/v1/users/${encodeURIComponent(user)}/channels/${channel}`);
  }

  end(user) {
    return this.#call("DELETE", `/v1/users/${encodeURIComponent(user)}/connections`);
  }

  async #call(method, path, body) {
    const { status, json } = await this.server.api(method, path, body);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`);
    return json;
  }
}

/** Returns a value with {"$binary": base64} for binary data. */
export function wire(value) {
  if (Buffer.isBuffer(value)) return { $binary: value.toString("base64") };
  if (Array.isArray(value)) return value.map(wire);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, wire(item)]));
}
