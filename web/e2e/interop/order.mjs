// One order for all who read: writers on several servers at once, and what each client got compared
// with the stream.

import assert from "node:assert/strict";
import { forEach, SOAK } from "../wait.mjs";
import { contentOf } from "./stage.mjs";
import { NodeSender, RoomcastSender } from "./senders.mjs";

const EACH = SOAK ? 3000 : 50; // of a writer

/**
 * Writes on the first server on Node and on each node of Roomcast at once, to R. Clients of the
 * first one are not asked: a server on Node delivers its own emits before others that are in the
 * stream earlier.
 */
export async function keepsOrder(stage) {
  const senders = [
    new NodeSender(stage.nodes[0]),
    ...stage.roomcasts.map((server) => new RoomcastSender(server)),
  ];
  const readers = stage.readers.filter(({ place, role }) => role === "in" && place !== "node 1");
  const from = readers.map(({ tape }) => tape.items.length);
  await Promise.all(senders.map((sender, writer) =>
    forEach(Array.from({ length: EACH }, (_, n) => n), 4, (n) =>
      sender.emit({ rooms: ["R"], args: [writer, n] }))));
  const got = await Promise.all(readers.map(async ({ tape }, i) => {
    const isOurs = (item) => item.name === "e";
    await tape.until((items) => items.length >= from[i] + EACH * senders.length, "all events");
    return tape.items.slice(from[i]).filter(isOurs).map((item) => [item.id, ...contentOf(item)]);
  }));
  const first = got[0];
  assert.equal(first.length, EACH * senders.length);
  for (const [i, list] of got.entries()) assert.deepEqual(list, first, readers[i].tape.name);
  const ids = first.map(([id]) => id);
  const entries = await stage.redis.client.xRange("socket.io", ids[0], ids.at(-1));
  const isEmit = ({ message }) => message.type === "3" && message.data.includes('"e"');
  assert.deepEqual(ids, entries.filter(isEmit).map(({ id }) => id), "the order of the stream");
  for (const writer of senders.keys()) {
    const own = first.filter(([, by]) => by === writer).map(([, , n]) => n).sort((a, b) => a - b);
    assert.deepEqual(own, Array.from({ length: EACH }, (_, n) => n));
  }
}
