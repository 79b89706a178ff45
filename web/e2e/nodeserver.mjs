// A Socket.IO server on Node, one of several on one Redis: the packages of Socket.IO, unmodified.

import { createServer } from "node:http";
import { createAdapter as createPubSubAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createAdapter03 } from "@socket.io/redis-streams-adapter";
import { createAdapter as createAdapter02 } from "redis-streams-adapter-0.2";
import { Server } from "socket.io";
import { once, retry } from "./wait.mjs";

/** The versions of @socket.io/redis-streams-adapter. */
export const ADAPTERS = { "0.2.3": createAdapter02, "0.3.1": createAdapter03 };

/** The version of @socket.io/redis-adapter, the pub/sub adapter. */
export const PUBSUB = "pub/sub 8.3.0";

let started = 0;

export class NodeServer {
  name = `node-${++started}`;

  /**
   * Starts a server with an adapter of a version, which stop() ends. As the pages of a Roomcast
   * server do, its clients name their user and channels in auth; other namespaces are served, too.
   */
  static async start(redis, version, { namespaces = ["/", "/n"], ...options } = {}) {
    const server = new NodeServer();
    server.redis = redis;
    server.client = await redis.connect(server.name);
    server.http = createServer((_, response) => response.writeHead(404).end());
    server.io = new Server(server.http, {
      serveClient: false,
      ...(version !== PUBSUB && { connectionStateRecovery: {} }), // which that adapter has not
      adapter: await server.#adapter(version),
      ...options,
    });
    for (const namespace of namespaces)
      server.io.of(namespace).on("connection", (socket) => {
        const { userId, channels = [] } = socket.handshake.auth;
        if (!socket.recovered) socket.join([`user:${userId}`, ...channels]);
        socket.on("join", (...rooms) => {
          const answer = rooms.pop();
          socket.join(rooms);
          answer();
        });
      });
    server.http.listen(0, "127.0.0.1");
    await once(server.http, "listening");
    server.port = server.http.address().port;
    server.url = `http://127.0.0.1:${server.port}`;
    await server.#reads();
    return server;
  }

  async #adapter(version) {
    if (version !== PUBSUB) return ADAPTERS[version](this.client);
    this.subscriber = await this.redis.connect(this.name);
    const publishOnSpecificResponseChannel = started % 2 === 0; // every other one answers there
    return createPubSubAdapter(this.client, this.subscriber, { publishOnSpecificResponseChannel });
  }

  /** Resolves when the server reads what others send: until it does, it would miss something. */
  async #reads() {
    const event = `reads ${this.name}`;
    let reads = false;
    this.io.on(event, () => {
      reads = true;
    });
    // Adapter 0.2 takes every other uid for that of a server, which it waits for later.
    const data = JSON.stringify({ packet: [event] });
    const entry = { nsp: "/", uid: "emitter", type: "9", data };
    const request = JSON.stringify({ uid: "emitter", type: 6, data: [event] });
    const send = () => this.subscriber
      ? this.redis.client.publish("socket.io-request#/#", request)
      : this.redis.append(entry);
    await retry(async () => reads || (await send(), false), "the adapter");
  }

  /** Stops the server. Resolves when the adapter has closed its connections to Redis. */
  async stop() {
    await this.io.close();
    await this.client.ping(); // after what the adapter has written
    // The adapter does not wait for its UNSUBSCRIBE, which a disconnect would let fail.
    await this.subscriber?.quit();
    await this.client.disconnect();
    if (this.subscriber) return;
    const { client } = this.redis;
    await this.redis.append({ end: this.name }); // the adapter ends when it has read something
    await retry(async () => !(await client.clientList()).some(({ name }) => name === this.name),
      "the end of the adapter");
  }
}
