// Connection state recovery by an unmodified socket.io-client: pid and offset.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, cut, ID, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { once } from "./wait.mjs";

const numbers = ({ tape }) => tape.named("n").map(({ args: [notification] }) => notification.data);
const send = (server, data, target = { user: "u" }) => server.publish({ target, type: "n", data });

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`recovered after a cut (${name})`, async (t) => {
    const server = await Server.start(t);
    const client = await connectSocket(t, server, { transports, auth: { userId: "u" } });
    const { socket, tape } = client;
    const { id } = socket;
    assert.equal(socket.recovered, false);
    await socket.emitWithAck("join-room", "orders");
    for (let round = 0; round < 3; round++) {
      const from = tape.items.length;
      await send(server, `${round}: live`);
      await tape.next("n", { from });
      // Without the manager, which would reconnect before the next publish, the socket waits for
      // connect().
      socket.io.reconnection(false);
      assert.equal(await cut(socket), "forced close");
      await send(server, `${round}: to the user`);
      await send(server, `${round}: to the channel`, { channel: "orders" });
      await send(server, `${round}: to all`, { all: true });
      const back = once(socket, "connect");
      socket.io.reconnection(true);
      socket.connect();
      await back;
      assert.equal(socket.recovered, true);
      assert.equal(socket.id, id);
      const { args: [recovery], id: cursor } = await tape.next("recovery", { from });
      assert.equal(recovery.recovered, true);
      assert.equal(recovery.replayed, 3);
      assert.match(cursor, ID);
      assert.equal(recovery.to, cursor);
    }
    assert.deepEqual(
      numbers(client),
      [0, 1, 2].flatMap((n) =>
        ["live", "to the user", "to the channel", "to all"].map((what) => `${n}: ${what}`)
      ),
    );
    assert.equal(tape.named("connected").at(-1).args[0].recovered, true);
    assert.deepEqual(tape.named("gap"), []);
  });
}

test("recovered by the manager, before anything was received", async (t) => {
  const server = await Server.start(t);
  const client = await connectSocket(t, server, { auth: { userId: "u" } });
  const back = once(client.socket, "connect");
  await cut(client.socket);
  await send(server, "while away or just back");
  await back;
  assert.equal(client.socket.recovered, true);
  await client.tape.next("n");
  assert.deepEqual(numbers(client), ["while away or just back"]);
});

test("not recovered when something is lost: a new pid and a gap", async (t) => {
  const server = await Server.start(t, { HISTORY_SIZE: "4", HISTORY_MIN_AGE: "0s" });
  const client = await connectSocket(t, server, { auth: { userId: "u" } });
  const { socket, tape } = client;
  const { id } = await send(server, 0);
  await tape.next("n");
  socket.io.reconnection(false);
  await cut(socket);
  for (let n = 1; n <= 10; n++) await send(server, n);
  const back = once(socket, "connect");
  socket.connect();
  await back;
  assert.equal(socket.recovered, false);
  const gap = await tape.next("gap");
  assert.equal(gap.args[0].from, id);
  assert.equal(gap.args[0].reason, "trimmed");
  assert.ok(gap.args[0].rooms.includes("user:u"), JSON.stringify(gap.args[0]));
  assert.equal(gap.id, id, "a gap carries the old cursor");
  await tape.take(5, ({ name }) => name === "n");
  assert.deepEqual(numbers(client), [0, 7, 8, 9, 10]);
  assert.ok(
    tape.items.indexOf(gap) < tape.items.findIndex(({ args: [body] }) => body?.data === 7),
    "the gap comes first",
  );
});

test("not recovered for another user", async (t) => {
  const server = await Server.start(t);
  const { socket, tape } = await connectSocket(t, server, { auth: { userId: "u" } });
  await send(server, "for u");
  await tape.next("n");
  const { id } = socket;
  socket.io.reconnection(false);
  await cut(socket);
  socket.auth = { userId: "thief" };
  await send(server, "a secret of u");
  const back = once(socket, "connect");
  socket.connect();
  await back;
  assert.equal(socket.recovered, false);
  assert.notEqual(socket.id, id);
  await send(server, "for the thief", { user: "thief" });
  await tape.next("n", { test: ({ args: [body] }) => body.data === "for the thief" });
  assert.deepEqual(numbers({ tape }), ["for u", "for the thief"]);
});
