// Several servers on one Redis, with clients on each: Socket.IO servers on Node, and nodes of Roomcast.

import { connectSocket, openStream } from "../clients.mjs";
import { Server } from "../harness.mjs";
import { handler, SECRET } from "../hook.mjs";
import { NodeServer, PUBSUB } from "../nodeserver.mjs";
import { Redis } from "../redis.mjs";
import { retry, SOON } from "../wait.mjs";
import { NodeSender, RoomcastSender } from "./senders.mjs";

/** The names of the events that clients of a stage listen for. */
const NAMES = ["e", "end", "paid"];

export class Stage {
  nodes = [];
  roomcasts = [];
  readers = [];
  #version;
  #env;
  #ends = 0;

  /**
   * Starts servers for one test. version: that of the adapter of the servers on Node. env: further
   * settings of Roomcast.
   */
  static async start(t, version, { nodes = 2, roomcasts = 2, env = {} } = {}) {
    const stage = new Stage();
    stage.t = t;
    stage.redis = await Redis.start();
    t.after(() => stage.#stop());
    // A namespace of Roomcast has a hook, whose clients are in the rooms that they ask for.
    const hook = await handler(t, ({ event, args }) => event === "join" && { join: args, ack: [] });
    stage.#env = {
      REDIS_URL: stage.redis.url,
      EVENTS_URL: `/n=${hook.url}`,
      HOOK_SECRET: SECRET,
      HOOK_ALLOW_PRIVATE: "true",
      ...(version === PUBSUB && { REDIS_STREAM: "roomcast", REDIS_INGEST: "pubsub" }),
      ...env,
    };
    stage.#version = version;
    await Promise.all([
      ...Array.from({ length: nodes }, async (_, i) => {
        stage.nodes[i] = await stage.startNode();
      }),
      ...Array.from({ length: roomcasts }, async (_, i) => {
        stage.roomcasts[i] = await Server.run(stage.#env);
      }),
    ]);
    await retry(() => stage.acquainted(), "servers that know each other");
    return stage;
  }

  /** Starts another server on Node, without clients. */
  startNode() {
    return NodeServer.start(this.redis, this.#version);
  }

  /** Starts another node of Roomcast, without clients, for this test. */
  startRoomcast() {
    return Server.start(this.t, this.#env);
  }

  /** The version of the adapter of the servers on Node. */
  get version() {
    return this.#version;
  }

  /** Whether the servers on Node have the pub/sub adapter. They have no part in the stream then. */
  get isPubSub() {
    return this.#version === PUBSUB;
  }

  /** The name of the stream. */
  get stream() {
    return this.#env.REDIS_STREAM ?? "socket.io";
  }

  /** How many servers a server on Node counts: with the pub/sub adapter, Roomcast is one. */
  get servers() {
    return this.nodes.length + (this.isPubSub ? 1 : this.roomcasts.length);
  }

  /** Lets the servers hear of each other. Resolves with whether each on Node counts all. */
  async acquainted() {
    // Roomcast listens to events of the pub/sub adapter by two patterns, besides those of "/" and "/n".
    if (this.isPubSub && await this.redis.client.sendCommand(["PUBSUB", "NUMPAT"]) < 4) return false;
    for (const { io } of this.nodes) io.serverSideEmit("hello");
    const counts = await Promise.all(this.nodes.map(({ io }) => io.of("/").adapter.serverCount()));
    return counts.every((count) => count === this.servers);
  }

  async #stop() {
    for (const { close } of this.readers) close();
    await this.stopNodes();
    for (const server of this.roomcasts) await server.stop();
    await this.redis.stop();
  }

  /** Stops the servers on Node. Their clients are gone. */
  async stopNodes() {
    await Promise.all(this.nodes.splice(0).map((node) => node.stop()));
    this.forget(({ place }) => place.startsWith("node"));
  }

  /** Closes clients, which no message is for any more. */
  forget(which) {
    for (const { close } of this.readers.filter(which)) close();
    this.readers = this.readers.filter((reader) => !which(reader));
  }

  /** Resolves with the senders: a server on Node, and a node of Roomcast. */
  get senders() {
    return [
      ...this.nodes.slice(0, 1).map((server) => new NodeSender(server)),
      ...this.roomcasts.slice(0, 1).map((server) => new RoomcastSender(server)),
    ];
  }

  /**
   * Connects a client of a role to each server, and where streams can follow it, a stream to each
   * node of Roomcast. Resolves with the new ones.
   */
  async join(role, { userId = role, channels = [], namespace = "/" } = {}) {
    const auth = { userId, channels };
    const socket = async (server, place) => {
      const { socket, tape } = await connectSocket(this.t, server, {
        auth,
        namespace,
        wait: "connect",
        name: `${place}, ${role}`,
      });
      socket.on("question", (text, answer) => answer(`${text} ${place}`));
      if (namespace !== "/") await socket.timeout(SOON).emitWithAck("join", ...channels);
      const close = () => socket.disconnect();
      return { server, place, role, namespace, tape, socket, id: socket.id, close };
    };
    const stream = async (server, place) => {
      const { source, tape, connected } = await openStream(this.t, server, { userId, channels }, {
        names: NAMES,
        name: `${place}, ${role}`,
      });
      const close = () => source.close();
      return { server, place, role, namespace, tape, source, id: connected.clientId, close };
    };
    const readers = await Promise.all([
      ...this.nodes.map((server, i) => socket(server, `node ${i + 1}`)),
      ...this.roomcasts.flatMap((server, i) => [
        socket(server, `roomcast ${i + 1}`),
        ...(namespace === "/" ? [stream(server, `stream ${i + 1}`)] : []),
      ]),
    ]);
    this.readers.push(...readers);
    return readers;
  }

  /** Returns the client of a role at a place. */
  reader(place, role) {
    return this.readers.find((reader) => reader.place === place && reader.role === role);
  }

  /**
   * Runs send. Resolves with what each connected client got of it, [reader, items]: what arrives
   * before an event that sender emits to all after it.
   */
  async during(sender, send) {
    const { readers } = this;
    const from = readers.map(({ tape }) => tape.items.length);
    await send();
    const number = ++this.#ends;
    for (const namespace of new Set(readers.map(({ namespace }) => namespace)))
      await sender.emit({ namespace, event: "end", args: [number] });
    return Promise.all(readers.map(async (reader, i) => {
      const isEnd = (item) => item.name === "end" && [contentOf(item)].flat()[0] === number;
      const end = await reader.tape.next("end", { from: from[i], test: isEnd });
      const items = reader.tape.items.slice(from[i], reader.tape.items.indexOf(end));
      return [reader, items.filter(({ name }) => NAMES.includes(name) && name !== "end")];
    }));
  }
}

/** Returns what a client got: the arguments, or the data of a stream. */
export function contentOf(item) {
  return item.args ?? item.data;
}

/** Returns what a client has to get of these arguments. A stream has text, and no list of one. */
export function contentFor(reader, args) {
  if (!reader.source) return args;
  const text = JSON.parse(JSON.stringify(args, (_, item) =>
    item?.type === "Buffer" ? Buffer.from(item.data).toString("base64") : item));
  return text.length > 1 ? text : text[0] ?? null;
}
