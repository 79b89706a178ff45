// What servers with the pub/sub adapter get when the node that publishes to them is killed.

import assert from "node:assert/strict";
import { emits } from "./emits.mjs";
import { RoomcastSender } from "./senders.mjs";

const EVENTS = 60;

/** Kills the node with the lock while another one sends. Clients on Node get everything, once. */
export async function outlivesHolder(stage) {
  const holds = ({ output }) => output.includes('"this node ingests what others publish"');
  const holder = stage.roomcasts.find(holds);
  const other = stage.roomcasts.find((server) => server !== holder);
  const readers = stage.readers.filter(({ place, role }) => role === "in" && place.startsWith("node"));
  const from = readers.map(({ tape }) => tape.items.length);
  stage.forget(({ server }) => server === holder);
  stage.roomcasts = [other];
  const sender = new RoomcastSender(other);
  for (let n = 0; n < EVENTS; n++) {
    await sender.emit({ rooms: ["R"], args: [n] });
    if (n === EVENTS / 3) await holder.signal("SIGKILL");
  }
  await sender.emit({ rooms: ["R"], args: ["last"] });
  for (const [i, { tape }] of readers.entries()) {
    const news = () => tape.items.slice(from[i]).filter(({ name }) => name === "e").map(({ args }) => args[0]);
    await tape.until(() => news().includes("last"), "the last event");
    assert.deepEqual(news(), [...Array(EVENTS).keys(), "last"], tape.name);
  }
  for (const sender of stage.senders)
    await emits(stage, sender, { rooms: ["R"], gets: ({ role }) => role === "in" });
}
