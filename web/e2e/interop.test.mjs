// Roomcast beside Socket.IO servers on Node, with the packages of Socket.IO, on one Redis stream.
// docs/cluster.md has a table of this.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { outlivesHolder } from "./interop/bridge.mjs";
import { CALLS, calls } from "./interop/calls.mjs";
import { CHANGES, EMITS, NOTIFICATIONS, OBJECT_ID } from "./interop/cases.mjs";
import { changes, emits, notifies } from "./interop/emits.mjs";
import { emitter } from "./interop/emitter.mjs";
import { heard, LaterSender, ManagerSender } from "./interop/manager.mjs";
import { joinsAndLeaves, nodeLeaves, outlivesRedis } from "./interop/joining.mjs";
import { keepsOrder } from "./interop/order.mjs";
import { recovers } from "./interop/recovery.mjs";
import { Stage } from "./interop/stage.mjs";
import { table } from "./interop/table.mjs";
import { ADAPTERS, PUBSUB } from "./nodeserver.mjs";
import { pythonWith } from "./python.mjs";
import { redisProgram } from "./redis.mjs";
import { TEST } from "./wait.mjs";

const root = join(import.meta.dirname, "..", "..");
const missing = await redisProgram() ? false : "redis-server is not installed";

// Entries that are damaged, and what a server on Node does with them.
const poison = join(root, "notify", "cluster", "nodewire", "testdata", "poison-0.3.1.jsonl");

/** Appends the entries with which a server on Node does one of these. */
async function damage({ redis }, ...does) {
  for (const line of (await readFile(poison, "utf8")).trim().split("\n")) {
    const { fields, node } = JSON.parse(line);
    if (does.includes(node)) await redis.client.sendCommand(["XADD", "socket.io", "*", ...fields]);
  }
}

const isIn = ({ role }) => role === "in";

// At the same time: most of it is waiting.
describe("a cluster", { concurrency: true, skip: missing }, () => {
  for (const version of Object.keys(ADAPTERS)) {
    test(`adapter ${version}`, TEST, async (t) => {
      const stage = await Stage.start(t, version);
      await Promise.all([
        stage.join("in", { channels: ["R", "S", OBJECT_ID] }),
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
        const role = `changed by ${sender.kind}`;
        await stage.join(role);
        for (const [name, row] of Object.entries(CHANGES))
          await t.test(`${name}, from ${sender.kind}`, () => changes(stage, sender, role, row));
        stage.forget((reader) => reader.role === role);
      }

      for (const sender of senders)
        for (const [name, call] of Object.entries(CALLS[sender.kind]))
          await t.test(`${name}, from ${sender.kind}`, () => calls(stage, sender, call));
      await t.test("one order for all", () => keepsOrder(stage));
      for (const sender of senders)
        await t.test(`recovery from server to server, what ${sender.kind} sends`, (t) => {
          const [first, second] = stage.nodes, [ours] = stage.roomcasts;
          return recovers(t, stage, sender, [first, ours, second], { stream: ours });
        });

      await t.test("a node of Roomcast joins and leaves", (t) => joinsAndLeaves(t, stage));
      await t.test("a server on Node leaves", (t) => nodeLeaves(t, stage));
      await t.test("Redis is killed and starts again", () => outlivesRedis(stage));
      await t.test("damaged entries", async () => {
        await damage(stage, "skips", "delivers");
        for (const sender of senders) await emits(stage, sender, { rooms: ["R"], gets: isIn });
      });
      await t.test("entries that stop a server on Node", async () => {
        await stage.stopNodes();
        await damage(stage, "stops");
        await emits(stage, roomcast, { rooms: ["R"], gets: isIn });
      });
      assert.deepEqual(stage.readers.flatMap(({ tape }) => tape.named("gap")), []);
    });
  }
});

test("servers with the pub/sub adapter, with REDIS_INGEST", { ...TEST, skip: missing }, async (t) => {
  const stage = await Stage.start(t, PUBSUB);
  await Promise.all([
    stage.join("in", { channels: ["R", "S", OBJECT_ID] }),
    stage.join("out"),
    stage.join("n", { channels: ["R"], namespace: "/n" }),
  ]);
  const [node, roomcast] = stage.senders;
  const senders = { Node: node, Roomcast: roomcast, "an emitter": await emitter(stage) };
  for (const [from, sender] of Object.entries(senders)) {
    for (const [name, row] of Object.entries(EMITS))
      if (!row.from || row.from === sender.kind)
        await t.test(`${name}, from ${from}`, () => emits(stage, sender, row));
    const role = `changed by ${from}`;
    await stage.join(role);
    for (const [name, row] of Object.entries(CHANGES))
      await t.test(`${name}, from ${from}`, () => changes(stage, sender, role, row));
    stage.forget((reader) => reader.role === role);
  }
  for (const [name, row] of Object.entries(NOTIFICATIONS))
    await t.test(`a notification ${name}`, () => notifies(stage, roomcast, row));
  for (const sender of stage.senders)
    for (const [name, call] of Object.entries(CALLS[sender.kind]))
      await t.test(`${name}, from ${sender.kind}`, () => calls(stage, sender, call));
  await t.test("allRooms, from Node", async () => {
    const rooms = await stage.nodes[0].io.of("/").adapter.allRooms();
    for (const { role, socket, id } of stage.readers)
      if (socket && role !== "n") assert.ok(rooms.has(id) && rooms.has(`user:${role}`), id);
  });
  await t.test("Redis is killed and starts again", () => outlivesRedis(stage));
  await t.test("the node that publishes to them is killed", () => outlivesHolder(stage));
  assert.deepEqual(stage.readers.flatMap(({ tape }) => tape.named("gap")), []);
});

describe("an emitter, with REDIS_INGEST", { concurrency: true, skip: missing }, () => {
  for (const version of Object.keys(ADAPTERS)) {
    test(`adapter ${version}`, TEST, async (t) => {
      const stage = await Stage.start(t, version, { env: { REDIS_INGEST: "emitter" } });
      await Promise.all([
        stage.join("in", { channels: ["R", "S", OBJECT_ID] }),
        stage.join("out"),
        stage.join("n", { channels: ["R"], namespace: "/n" }),
      ]);
      const sender = await emitter(stage);
      // Adapter 0.2 reads the stream only, which has no volatile messages.
      const isDeaf = ({ place }) => version === "0.2.3" && place.startsWith("node");
      for (const [name, row] of Object.entries(EMITS)) {
        const gets = (reader) => row.gets(reader) && !(row.volatile && isDeaf(reader));
        await t.test(name, () => emits(stage, sender, { ...row, gets }));
      }
      const role = "changed";
      await stage.join(role);
      for (const [name, row] of Object.entries(CHANGES))
        await t.test(name, () => changes(stage, sender, role, row));
      assert.deepEqual(stage.readers.flatMap(({ tape }) => tape.named("gap")), []);
    });
  }
});

describe("python-socketio, with REDIS_INGEST", { concurrency: true, skip: missing }, () => {
  for (const format of ["pickle", "JSON"]) {
    test(`the manager, ${format}`, TEST, async (t) => {
      const python = await pythonWith("socketio", "redis");
      if (format === "pickle" && !python)
        return t.skip("python-socketio and redis for Python are not installed");
      const stage = await Stage.start(t, "0.3.1", { env: { REDIS_INGEST: "emitter,python" } });
      await Promise.all([
        stage.join("in", { channels: ["R", "S", OBJECT_ID] }),
        stage.join("out"),
        stage.join("n", { channels: ["R"], namespace: "/n" }),
      ]);
      await heard(stage);
      const sender = format === "pickle"
        ? await ManagerSender.start(t, stage, python)
        : new LaterSender(stage);
      for (const [name, row] of Object.entries(EMITS))
        if (!row.volatile && row.compress === undefined)
          await t.test(name, () => emits(stage, sender, row));
      const role = "changed";
      await stage.join(role);
      for (const [name, row] of Object.entries(CHANGES))
        await t.test(name, () => changes(stage, sender, role, row));
      assert.deepEqual(stage.readers.flatMap(({ tape }) => tape.named("gap")), []);
    });
  }
});

test("docs/cluster.md has the table", async () => {
  const page = await readFile(join(root, "docs", "cluster.md"), "utf8");
  const lines = page.split("\n");
  const first = lines.findIndex((line) => line.includes("from Node"));
  const rows = table();
  const actual = lines.slice(first, first + rows.length);
  assert.deepEqual(actual, rows, "node interop/table.mjs writes it");
});
