// A server with DATA_DIR is killed and started again: clients miss nothing, on every transport.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, openStream, TRANSPORTS } from "./clients.mjs";
import { start } from "./disk.mjs";
import { freePort, Server } from "./harness.mjs";
import { once } from "./wait.mjs";

const numbers = (tape) => tape.named("n").map(({ args, data }) => (data ?? args[0]).data);
const send = (server, data, target = { user: "u" }) => server.publish({ target, type: "n", data });

for (const [name, transports] of Object.entries(TRANSPORTS))
  for (const signal of ["SIGKILL", "SIGTERM"])
    test(`a client recovers after ${signal} (${name})`, async (t) => {
      const server = await start(t);
      const { socket, tape } = await connectSocket(t, server, {
        transports,
        auth: { userId: "u" },
        reconnection: false,
      });
      const { id } = socket;
      await socket.emitWithAck("join-room", "orders");
      await send(server, "live");
      await tape.next("n");
      await server.saved();
      const gone = once(socket, "disconnect");
      await server.signal(signal);
      await gone;
      await server.up();
      await send(server, "to the user");
      await send(server, "to the channel", { channel: "orders" });
      await server.signal("SIGKILL");
      await server.up();
      await send(server, "to all", { all: true });
      socket.connect();
      await once(socket, "connect");
      await tape.next("recovery");
      assert.equal(socket.recovered, true);
      assert.equal(socket.id, id);
      await send(server, "live again", { channel: "orders" });
      await tape.take(5, (item) => item.name === "n");
      assert.deepEqual(numbers(tape), [
        "live",
        "to the user",
        "to the channel",
        "to all",
        "live again",
      ]);
      assert.deepEqual(tape.named("gap"), []);
    });

test("an EventSource reconnects by itself and misses nothing", async (t) => {
  const server = await start(t);
  const { tape } = await openStream(t, server, { userId: "u", channels: "orders" }, {
    names: ["n"],
  });
  await send(server, 1);
  await tape.next("n");
  await server.signal("SIGKILL");
  await server.up();
  await send(server, 2, { channel: "orders" });
  await send(server, 3);
  await tape.take(3, (item) => item.name === "n");
  assert.deepEqual(numbers(tape), [1, 2, 3]);
  assert.deepEqual(tape.named("gap"), []);
});

test("what is older than the memory comes from disk", async (t) => {
  const server = await start(t, { HISTORY_SIZE: "4", HISTORY_MIN_AGE: "0s" });
  const { id } = await send(server, 0);
  const all = Array.from({ length: 300 }, (_, n) => n + 1);
  for (let n = 0; n < all.length; n += 100)
    await server.publish(
      all.slice(n, n + 100).map((data) => ({ target: { user: "u" }, type: "n", data })),
    );
  const socket = await connectSocket(t, server, { auth: { userId: "u", since: id } });
  const stream = await openStream(t, server, { userId: "u", since: id }, { names: ["n"] });
  for (const { tape } of [socket, stream]) {
    await tape.next("recovery");
    assert.deepEqual(numbers(tape), all);
    assert.deepEqual(tape.named("gap"), []);
  }
});

test("a second server with the same directory ends with an error that names the first", async (t) => {
  const server = await start(t);
  const second = new Server({ ...server.env, ADMIN_ADDR: "" }, await freePort(), "http");
  t.after(() => second.stop());
  await assert.rejects(second.up(), /the directory is in use by the process \d+/);
});
