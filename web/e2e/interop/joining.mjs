// Servers that come and go while the others run.

import assert from "node:assert/strict";
import { connectSocket, openStream } from "../clients.mjs";
import { retry } from "../wait.mjs";
import { emits } from "./emits.mjs";
import { leaves } from "./recovery.mjs";

const isIn = ({ role }) => role === "in";

/**
 * Starts another node of Roomcast, at which clients go on from an id that a server on Node gave
 * before. When it stops, they go on at a server on Node.
 */
export async function joinsAndLeaves(t, stage) {
  const [node] = stage.senders;
  const before = await stage.during(node, () => node.emit({ rooms: ["R"], args: ["before"] }));
  const since = before.find(([, items]) => items.length > 0)[1][0].id;
  await node.emit({ rooms: ["R"], args: ["missed"] });
  const server = await stage.startRoomcast();
  const auth = { userId: "late", channels: ["R"] };
  const query = { ...auth, lastEventId: since };
  const { source, tape } = await openStream(t, server, query, { names: ["e"] });
  const client = await connectSocket(t, server, { auth: { ...auth, since }, wait: "connect" });
  await node.emit({ rooms: ["R"], args: ["live"] });
  const ids = [];
  for (const one of [tape, client.tape]) {
    await one.take(2, ({ name }) => name === "e");
    assert.deepEqual(one.named("e").flatMap(({ args, data }) => args ?? data), ["missed", "live"]);
    assert.deepEqual(one.named("gap"), []);
    ids.push(one.named("e").map(({ id }) => id));
  }
  assert.deepEqual(ids[0], ids[1]);
  client.socket.disconnect();
  const stop = async () => assert.equal((await server.signal("SIGTERM")).code, 0);
  await leaves(t, stage, node, server, stop, stage.nodes[0]);
  source.close();
  for (const sender of stage.senders) await emits(stage, sender, { rooms: ["R"], gets: isIn });
}

/** Starts another server on Node, whose clients go on at Roomcast when it stops. */
export async function nodeLeaves(t, stage) {
  const server = await stage.startNode();
  await leaves(t, stage, stage.senders[1], server, () => server.stop(), stage.roomcasts[0]);
  for (const sender of stage.senders) await emits(stage, sender, { rooms: ["R"], gets: isIn });
}

/** Kills Redis and starts it again, with its data. */
export async function outlivesRedis(stage) {
  const { senders } = stage;
  const events = stage.readers.filter(isIn).map(({ tape }) => [tape, tape.items.length]);
  for (const sender of senders) await sender.emit({ rooms: ["R"], args: ["before"] });
  await stage.redis.restart();
  // With the pub/sub adapter, a server misses what is sent before it has subscribed again.
  if (stage.isPubSub) await retry(() => stage.acquainted(), "servers that know each other");
  for (const sender of senders) {
    const send = async () => (await sender.emit({ rooms: ["R"], args: ["after"] }), true);
    await stage.during(sender, () => retry(send, "Redis"));
    await emits(stage, sender, { rooms: ["R"], gets: isIn });
  }
  for (const [tape, from] of events)
    assert.deepEqual(tape.items.slice(from).filter(({ name }) => name === "gap"), [], tape.name);
}
