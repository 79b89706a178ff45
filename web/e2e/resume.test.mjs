// Unmodified clients get the notifications that they missed while the line was down.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, notificationOf, openStream, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { Line } from "./proxy.mjs";
import { once, SOON } from "./wait.mjs";

const numbers = (items) =>
  items.filter(({ name }) => name === "n").map((item) => notificationOf(item).data);
const send = (server, from, to, target = { user: "u" }) =>
  server
    .publish(Array.from({ length: to - from }, (_, i) => ({ target, type: "n", data: from + i })));
const sequence = (n) => Array.from({ length: n }, (_, i) => i);

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`a socket (${name}) gets what it missed while its line was cut`, async (t) => {
    const server = await Server.start(t);
    const line = await Line.to(t, server);
    const { socket, tape, connected } = await connectSocket(t, line, {
      transports,
      auth: { userId: "u" },
    });
    await send(server, 0, 10);
    await tape.take(10, (item) => item.name === "n");

    const gone = once(socket, "disconnect");
    line.cut();
    await gone;
    await send(server, 10, 110);
    const back = once(socket, "connect");
    line.restore();
    await back;
    assert.equal(socket.recovered, true);
    assert.equal(socket.id, connected.clientId, "a recovered socket keeps its id");
    await tape.take(110, (item) => item.name === "n");
    const recovery = await tape.next("recovery");
    assert.equal(recovery.args[0].recovered, true);
    assert.equal(recovery.args[0].replayed, 100);
    await send(server, 110, 120);
    await tape.take(120, (item) => item.name === "n");
    assert.deepEqual(numbers(tape.items), sequence(120));
    assert.deepEqual(tape.named("gap"), []);
  });
}

test("a stream gets what it missed while its line was cut", async (t) => {
  const server = await Server.start(t);
  const line = await Line.to(t, server);
  const { tape } = await openStream(t, line, { userId: "u" }, { names: ["n"] });
  await send(server, 0, 10);
  await tape.take(10, ({ name }) => name === "n");
  const from = tape.items.length;
  line.cut();
  await tape.next("error", { from });
  await send(server, 10, 110);
  line.restore();
  await tape.take(110, ({ name }) => name === "n"); // it reconnects after `retry`, 1 to 5 s
  const { data } = await tape.next("recovery", { from });
  assert.deepEqual([data.recovered, data.replayed], [true, 100]);
  await send(server, 110, 120);
  await tape.take(120, ({ name }) => name === "n");
  assert.deepEqual(numbers(tape.items), sequence(120));
  assert.deepEqual(tape.named("gap"), []);
});

test("a new stream resumes by lastEventId, Last-Event-ID or since", async (t) => {
  const server = await Server.start(t);
  const receipts = await send(server, 0, 20);
  const { id } = receipts[9];
  const ways = {
    "the lastEventId parameter": [{ lastEventId: id }, {}],
    "the last_event_id parameter": [{ last_event_id: id }, {}],
    "the since parameter": [{ since: id }, {}],
    "the header": [{}, { "Last-Event-ID": id }],
    "the header before the parameter": [{ lastEventId: receipts[0].id }, { "Last-Event-ID": id }],
  };
  for (const [way, [query, headers]] of Object.entries(ways)) {
    const { tape } = await openStream(t, server, { userId: "u", ...query }, {
      names: ["n"],
      headers,
      name: way,
    });
    await tape.next("recovery");
    assert.deepEqual(numbers(tape.items), sequence(20).slice(10), way);
  }
  const all = await openStream(t, server, { userId: "u", since: "0" }, {
    names: ["n"],
    name: "since=0",
  });
  await all.tape.take(20, ({ name }) => name === "n");
  assert.deepEqual(numbers(all.tape.items), sequence(20));
  const now = await openStream(t, server, { userId: "u" }, { names: ["n"], name: "without" });
  await send(server, 20, 21);
  await now.tape.next("n");
  assert.deepEqual(numbers(now.tape.items), [20]);
});

test("channels that were joined later are joined again", async (t) => {
  const server = await Server.start(t);
  const line = await Line.to(t, server);
  const stream = await openStream(t, line, { userId: "u", sessionId: "tab" }, { names: ["n"] });
  const { status, json } = await server.post(
    `/sse/${stream.connected.clientId}/channels?userId=u`,
    { join: ["orders"] },
  );
  assert.equal(status, 200);
  assert.deepEqual(json.joined, ["orders"]);
  const { socket, tape } = await connectSocket(t, line, { auth: { userId: "u" } });
  assert.deepEqual(
    (await socket.timeout(SOON).emitWithAck("subscribe", { channels: ["orders"] })).channels,
    ["orders"],
  );

  const gone = once(socket, "disconnect");
  const from = stream.tape.items.length;
  line.cut();
  await Promise.all([gone, stream.tape.next("error", { from })]);
  await send(server, 0, 5, { channel: "orders" });
  line.restore();
  await stream.tape.take(5, ({ name }) => name === "n");
  await tape.take(5, ({ name }) => name === "n");
  await send(server, 5, 10, { channel: "orders" });
  for (const one of [stream.tape, tape]) {
    await one.take(10, ({ name }) => name === "n");
    assert.deepEqual(numbers(one.items), sequence(10), one.name);
  }
});
