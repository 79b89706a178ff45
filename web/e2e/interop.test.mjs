// Roomcast beside Socket.IO servers on Node, with the packages of Socket.IO, on one Redis stream.
// docs/cluster.md has a table of this.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { calls } from "./interop/calls.mjs";
import { EMITS, NOTIFICATIONS } from "./interop/cases.mjs";
import { emits, ends, notifies } from "./interop/emits.mjs";
import { keepsOrder } from "./interop/order.mjs";
import { recovers } from "./interop/recovery.mjs";
import { Stage } from "./interop/stage.mjs";
import { ADAPTERS } from "./nodeserver.mjs";
import { redisProgram } from "./redis.mjs";
import { TEST } from "./wait.mjs";

const root = join(import.meta.dirname, "..", "..");
const missing = await redisProgram() ? false : "redis-server is not installed";

/** Entries that are damaged, and what a server on Node does with them. */
const damaged = (await readFile(join(root, "notify/cluster/nodewire/testdata/poison-0.3.1.jsonl"), "utf8"))
  .trim().split("\n").map((line) => JSON.parse(line));

/** Appends the entries of which a server on Node does one of these. */
async function poison(stage, ...does) {
  for (const { fields, node } of damaged)
    if (does.includes(node)) await stage.redis.client.sendCommand(["XADD", "socket.io", "*", ...fields]);
}

const isIn = ({ role }) => role === "in";

for (const version of Object.keys(ADAPTERS)) {
  test(`adapter ${version}`, { ...TEST, skip: missing }, async (t) => {
    const stage = await Stage.start(t, version, { roomcasts: 2 });
    await Promise.all([
      stage.join("in", { channels: ["R", "S"] }),
      stage.join("out"),
      stage.join("n", { channels: ["R"], namespace: "/n" }),
    ]);
    const { senders } = stage;
    const [node, roomcast] = senders;

    for (const sender of senders)
      for (const [name, row] of Object.entries(EMITS))
        if (!row.from || row.from === sender.kind)
          await t.test(`${name}, from ${sender.kind}`, () => emits(stage, sender, row));
    for (const [name, row] of Object.entries(NOTIFICATIONS))
      await t.test(`a notification ${name}`, () => notifies(stage, roomcast, row));

    for (const sender of senders) {
      const role = `changes-${sender.kind}`;
      const isTheirs = (reader) => reader.role === role;
      await stage.join(role);
      await t.test(`join by a room, from ${sender.kind}`, async () => {
        await sender.join(role, "T");
        await emits(stage, sender, { rooms: ["T"], gets: isTheirs });
      });
      await t.test(`leave by a room, from ${sender.kind}`, async () => {
        await sender.leave(role, "T");
        await emits(stage, sender, { rooms: ["T", "S"], gets: isIn });
      });
      await t.test(`disconnect by a room, from ${sender.kind}`, () =>
        ends(stage, role, () => sender.end(role)));
    }
    await t.test("join and disconnect by an id, from node", async () => {
      const those = await stage.join("one");
      for (const { id } of those) node.server.io.in(id).socketsJoin("U");
      await emits(stage, node, { rooms: ["U"], gets: ({ role }) => role === "one" });
      await ends(stage, "one", () => {
        for (const { id } of those) node.server.io.in(id).disconnectSockets(true);
      });
    });

    await t.test("what servers on Node ask each other", () => calls(stage));
    await t.test("one order for all", () => keepsOrder(stage));
    for (const sender of senders)
      await t.test(`recovery from server to server, what ${sender.kind} sends`, (t) => {
        const [first, second] = stage.nodes, [ours] = stage.roomcasts;
        return recovers(t, stage, sender, [first, ours, second], { stream: ours });
      });

    await t.test("damaged entries", async () => {
      await poison(stage, "skips", "delivers");
      for (const sender of senders) await emits(stage, sender, { rooms: ["R"], gets: isIn });
    });
    await t.test("entries that stop a server on Node", async () => {
      await stage.stopNodes();
      await poison(stage, "stops");
      await emits(stage, roomcast, { rooms: ["R"], gets: isIn });
    });
    assert.deepEqual(stage.readers.map(({ tape }) => tape.named("gap").length > 0).filter(Boolean), []);
  });
}
