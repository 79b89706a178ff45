// Thousands of broadcasts at once, to clients of every transport, complete and in order.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, ID, openStream, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { SOON } from "./wait.mjs";

const TOTAL = 5000;
const CHUNK = 50;
const EACH = 4;

// A client that falls behind reads from the history, which keeps a burst longer than HISTORY_SIZE.
const env = { PUBLISH_RATE: "0" };

function check(items, name, ids) {
  const ns = items.map(({ n }) => n);
  const wrong = ns.findIndex((n, i) => n !== i);
  assert.equal(wrong, -1, `${name}: place ${wrong} has ${ns[wrong]}; ${ns.length} in all`);
  assert.equal(ns.length, TOTAL, name);
  assert.deepEqual(items.map(({ id }) => id), ids, `${name}: the ids`);
}

/** Publishes TOTAL broadcasts, one request after the other. Resolves with their ids. */
async function burst(server) {
  const ids = [];
  for (let n = 0; n < TOTAL; n += CHUNK) {
    const receipts = await server
      .publish(Array.from(
        { length: CHUNK },
        (_, i) => ({ target: { all: true }, type: "n", data: n + i }),
      ));
    for (const { id } of receipts) ids.push(id);
  }
  assert.ok(ids.every((id) => ID.test(id)));
  assert.equal(new Set(ids).size, TOTAL);
  return ids;
}

test(`${TOTAL} broadcasts to ${EACH} clients of each transport, some upgrading`, async (t) => {
  const server = await Server.start(t, env);
  const clients = [];
  for (const [kind, transports] of Object.entries(TRANSPORTS)) {
    for (let i = 0; i < EACH; i++) {
      // The test does not wait for upgrades, so the change of transport happens during the burst.
      const options = {
        auth: { userId: `${kind}-${i}` },
        name: `${kind} ${i}`,
        transports,
        wait: false,
      };
      const client = await connectSocket(t, server, options);
      clients.push({ ...client, kind, name: options.name });
    }
  }
  for (let i = 0; i < EACH; i++) {
    clients.push({
      ...await openStream(t, server, { userId: `sse-${i}` }, { names: ["n"], name: `sse ${i}` }),
      kind: "sse",
      name: `sse ${i}`,
    });
  }
  await Promise.all(clients.map(({ tape }) => tape.next("connected")));
  const ids = await burst(server);
  for (const { tape, name, kind, socket } of clients) {
    const items = await tape.take(TOTAL, (item) => item.name === "n", 4 * SOON);
    check(items.map(({ data, args, id }) => ({ n: (data ?? args[0]).data, id })), name, ids);
    assert.deepEqual(tape.named("gap"), [], name);
    if (kind === "upgrade") assert.equal(socket.io.engine.transport.name, "websocket", name);
    if (kind === "polling") assert.equal(socket.io.engine.transport.name, "polling", name);
  }
});

test("publishers at the same time: one order for all", async (t) => {
  const server = await Server.start(t, env);
  const clients = [];
  for (const [name, transports] of Object.entries(TRANSPORTS))
    clients.push(await connectSocket(t, server, { transports, auth: { userId: name }, name }));
  clients.push(await openStream(t, server, { userId: "sse" }, { names: ["n"] }));
  const each = 250;
  await Promise.all(Array.from({ length: 4 }, async (_, publisher) => {
    for (let n = 0; n < each; n++)
      await server.publish({ target: { all: true }, type: "n", data: { publisher, n } });
  }));
  const orders = [];
  for (const { tape } of clients) {
    const items = await tape.take(4 * each, ({ name }) => name === "n", 4 * SOON);
    orders.push(items.map(({ id }) => id));
  }
  const seqs = orders[0].map((id) => Number(id.split("-")[1]));
  assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b), "ids go up");
  for (const order of orders) assert.deepEqual(order, orders[0]);
});
