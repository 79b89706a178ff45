// A small adapter: it answers the requests of the hooks with handlers in the form of socket.io, so
// that one file of handlers serves both servers. It keeps its sockets in memory.

import { AsyncLocalStorage } from "node:async_hooks";
import { createHmac, timingSafeEqual } from "node:crypto";
import { EventEmitter } from "node:events";
import { createServer } from "node:http";

export const SECRET = "a secret for the differential test";

const request = new AsyncLocalStorage();

/** Replaces binary values by {"$binary"}, or the other way. */
export const pack = (value) => {
  if (ArrayBuffer.isView(value)) return { $binary: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  if (Array.isArray(value)) return value.map(pack);
  if (value && typeof value === "object" && typeof value.toJSON !== "function")
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, pack(item)]));
  return value;
};
const unpack = (value) => {
  if (Array.isArray(value)) return value.map(unpack);
  if (!value || typeof value !== "object") return value;
  if (typeof value.$binary === "string") return Buffer.from(value.$binary, "base64");
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpack(item)]));
};

/** Who gets an event: the methods of a namespace and a socket that return such an object. */
class Recipients {
  constructor(hook, namespace, to = {}) {
    Object.assign(this, { hook, namespace, recipients: { rooms: [], except: [], ...to } });
  }
  #with(change) {
    return new Recipients(this.hook, this.namespace, { ...this.recipients, ...change });
  }
  to(room) {
    return this.#with({ rooms: [...this.recipients.rooms, ...[room].flat()] });
  }
  in(room) {
    return this.to(room);
  }
  except(room) {
    return this.#with({ except: [...this.recipients.except, ...[room].flat()] });
  }
  timeout(ms) {
    return this.#with({ ms });
  }
  get volatile() {
    return this.#with({ volatile: true });
  }
  emit(event, ...args) {
    const body = this.#body(event, args), run = request.getStore();
    if (run && !run.over) run.answer.emit.push(body);
    else this.hook.post(body);
  }
  async emitWithAck(event, ...args) {
    const { ms = 30_000, single } = this.recipients;
    const { acks, missing } = await this.hook.post(this.#body(event, args), `?wait=ack&timeout=${ms}ms`);
    if (missing.length > 0) throw new Error("operation has timed out");
    const answers = acks.map((ack) => unpack(ack.args[0]));
    return single ? answers[0] : answers;
  }
  #body(event, args) {
    const { rooms, except, volatile, single } = this.recipients;
    const body = { namespace: this.namespace, event, args: pack(args) };
    if (single) body.room = single;
    else if (rooms.length === 1) body.room = rooms[0];
    else body.target = rooms.length > 0 ? { channels: rooms } : { all: true };
    if (except.length > 0) body.except = except;
    if (volatile) body.volatile = true;
    return body;
  }
}

class Namespace extends Recipients {
  listeners = [];
  middlewares = [];
  constructor(hook, name) {
    super(hook, name);
    this.name = name;
  }
  on(_, listener) {
    this.listeners.push(listener);
  }
  use(middleware) {
    this.middlewares.push(middleware);
  }
}

class Socket {
  data = {};
  #events = new EventEmitter();
  #any = [];
  #middlewares = [];
  constructor(hook, connection, handshake) {
    this.id = connection.id;
    this.handshake = handshake;
    this.nsp = hook.of(connection.namespace);
    this.hook = hook;
  }
  #others() {
    return new Recipients(this.hook, this.nsp.name, { except: [this.id] });
  }
  #self() {
    return new Recipients(this.hook, this.nsp.name, { single: this.id });
  }
  get broadcast() {
    return this.#others();
  }
  get volatile() {
    return this.#self().volatile;
  }
  to = (room) => this.#others().to(room);
  emit = (event, ...args) => this.#self().emit(event, ...args);
  emitWithAck = (event, ...args) => this.#self().emitWithAck(event, ...args);
  on = (event, listener) => this.#events.on(event, listener);
  once = (event, listener) => this.#events.once(event, listener);
  onAny = (listener) => this.#any.push(listener);
  prependAny = (listener) => this.#any.unshift(listener);
  use = (middleware) => this.#middlewares.push(middleware);
  join(rooms) {
    for (const room of [rooms].flat()) {
      this.rooms.add(room);
      request.getStore().moved(room, "join", "leave");
    }
  }
  leave(room) {
    this.rooms.delete(room);
    request.getStore().moved(room, "leave", "join");
  }
  disconnect() {
    request.getStore().answer.disconnect = true;
  }
  async dispatch(event, args) {
    for (const middleware of this.#middlewares) {
      let passed = false;
      middleware([event, ...args], (error) => passed = !error);
      if (!passed) return;
    }
    for (const listener of this.#any) listener(event, ...args);
    await Promise.all(this.#events.rawListeners(event).map((listener) => listener.apply(this.#events, args)));
  }
}

/** One request: what the handlers want to happen. */
class Run {
  answer = { join: [], leave: [], emit: [] };
  moved(room, into, from) {
    this.answer[from] = this.answer[from].filter((name) => name !== room);
    if (!this.answer[into].includes(room)) this.answer[into].push(room);
  }
}

export class Hook {
  #namespaces = new Map();
  #sockets = new Map();

  /** server: {url, key} of the HTTP API, set when it is known. */
  async start(t) {
    const http = createServer(async (incoming, response) => {
      let body = "";
      for await (const chunk of incoming) body += chunk;
      const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": given = "" } = incoming.headers;
      const wanted = `v1,${createHmac("sha256", SECRET).update(`${id}.${at}.${body}`).digest("base64")}`;
      const valid = given.length === wanted.length && timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
      if (!valid) return response.writeHead(401).end();
      const { status = 200, ...answer } = await this.#answer(JSON.parse(body));
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
    });
    http.listen(0, "127.0.0.1");
    await new Promise((resolve) => http.once("listening", resolve));
    t.after(() => {
      http.close();
      http.closeAllConnections();
    });
    this.url = `http://127.0.0.1:${http.address().port}/`;
  }

  of(name) {
    if (!this.#namespaces.has(name)) this.#namespaces.set(name, new Namespace(this, name));
    return this.#namespaces.get(name);
  }

  async post(body, query = "") {
    const { status, json } = await this.server.api("POST", `/v1/emit${query}`, body);
    if (status !== 200) throw new Error(`emit: ${status} ${JSON.stringify(json)}`);
    return json;
  }

  async #answer({ type, data }) {
    if (type === "connect") return this.#connect(data);
    const { connection } = data, run = new Run(), key = `${connection.namespace}#${connection.id}`;
    await request.run(run, async () => {
      let socket = this.#sockets.get(key);
      const isNew = !socket;
      if (isNew) {
        socket = new Socket(this, connection, data.handshake ?? { auth: {}, query: {} });
        this.#sockets.set(key, socket);
      }
      socket.rooms = new Set(connection.rooms.filter((room) => !room.startsWith("user:")));
      socket.recovered = data.recovered ?? socket.recovered;
      if (isNew || type === "connection") {
        for (const listener of socket.nsp.listeners) if (isNew) listener(socket);
      }
      if (type === "disconnect") {
        await socket.dispatch("disconnecting", [data.reason]);
        socket.rooms.clear();
        await socket.dispatch("disconnect", [data.reason]);
        this.#sockets.delete(key);
      } else if (type === "event") {
        const args = unpack(data.args);
        if (data.wantsAck) args.push((...values) => run.answer.ack ??= pack(values));
        await socket.dispatch(data.event, args);
      }
    });
    run.over = true;
    return run.answer;
  }

  async #connect(data) {
    for (const middleware of this.of(data.namespace).middlewares) {
      const error = await new Promise((resolve) => middleware({ handshake: data }, resolve));
      if (error) return { status: 403, message: error.message, data: error.data };
    }
    return {};
  }
}
