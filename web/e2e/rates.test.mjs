// What a page does at once, with an unmodified socket.io-client and the default limits: nothing is
// lost, and no connection is closed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { deadline, once, retry, SOON } from "./wait.mjs";

/** The limit of the server, for the program with namespaces. */
const env = { RATE_LIMIT_INTERVAL: "100ms" };

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`a page joins 30 rooms again in connect (${name})`, async (t) => {
    const server = await Server.start(t);
    const options = { transports, auth: { userId: "u" }, wait: false };
    const { socket, tape } = await connectSocket(t, server, options);
    const rooms = Array.from({ length: 30 }, (_, i) => `room-${i}`);
    socket.on("connect", () => {
      for (const room of rooms) socket.emit("join-room", room);
    });
    for (let round = 0; round < 2; round++) {
      const from = tape.items.length;
      const joined = ({ name }) => name === "room-joined";
      await retry(() => tape.items.slice(from).filter(joined).length === rooms.length, "30 joins");
      assert.deepEqual(
        tape.items.slice(from).filter(joined).map(({ args: [{ room }] }) => room),
        rooms,
      );
      if (round === 0) {
        const back = once(socket, "connect");
        socket.io.engine.close();
        await back;
      }
    }
    assert.deepEqual(tape.named("error"), []);
  });

  test(`60 events at once are all answered (${name})`, async (t) => {
    const server = await Server.start(t);
    const { socket, tape } = await connectSocket(t, server, { transports, auth: { userId: "u" } });
    const answers = await deadline(
      Promise.all(Array.from({ length: 60 }, (_, n) => socket.emitWithAck("custom-event", { n }))),
      SOON,
      "60 acknowledgements",
    );
    assert.deepEqual(answers.map(({ n }) => n), answers.map((_, i) => i));
    assert.deepEqual(tape.named("error"), []);
  });

  test(`100 namespaces on one manager connect, and again (${name})`, async (t) => {
    const server = await Server.run(env, "./web/e2e/emitter");
    t.after(() => server.stop());
    const options = { transports, auth: { userId: "u" }, forceNew: true };
    const first = await connectSocket(t, server, { ...options, wait: false });
    const ends = [];
    const sockets = [first.socket];
    for (let i = 0; i < 100; i++) sockets.push(first.socket.io.socket(`/n${i}`, options));
    t.after(() => sockets.forEach((socket) => socket.disconnect()));
    for (const socket of sockets) {
      socket.on("disconnect", (reason) => ends.push(`${socket.nsp}: ${reason}`));
      socket.on("connect_error", ({ message }) => ends.push(`${socket.nsp}: ${message}`));
      socket.connect();
    }
    await retry(
      () => sockets.every(({ connected }) => connected),
      () => `101 namespaces: ${sockets.filter(({ connected }) => connected).length}, ${ends}`,
    );
    assert.deepEqual(ends, []);
    const back = sockets.map((socket) => once(socket, "connect"));
    first.socket.io.engine.close();
    await Promise.all(back);
    assert.deepEqual(ends.filter((end) => !end.endsWith(": forced close")), []);
  });
}

test("an event that is refused is sent again by a client with retries", async (t) => {
  const server = await Server.start(t, { RATE_LIMIT_INTERVAL: "3s", RATE_LIMIT_BURST: "2" });
  const { socket, tape } = await connectSocket(t, server, {
    auth: { userId: "u" },
    retries: 10,
    ackTimeout: 4000,
  });
  const answers = await deadline(
    Promise.all(Array.from(
      { length: 4 },
      (_, n) =>
        new Promise((resolve, reject) =>
          socket.emit("custom-event", { n }, (error, answer) =>
            error ? reject(error) : resolve(answer.n ?? answer))
        ),
    )),
    SOON,
    "4 acknowledgements",
  );
  assert.deepEqual(answers, [0, 1, 2, 3]);
  const refused = tape.named("error");
  assert.ok(refused.length > 0);
  assert.ok(refused.every(({ args: [error] }) => error.code === "rate_limited"));
});

test("a refused namespace leaves the connection of the others open", async (t) => {
  const server = await Server.start(t);
  const { socket } = await connectSocket(t, server, { auth: { userId: "u" } });
  const ends = [];
  socket.on("disconnect", (reason) => ends.push(reason));
  for (const name of ["/a", "/b", "/c", "/d"]) {
    const other = socket.io.socket(name, { auth: { userId: "u" } });
    const refused = once(other, "connect_error");
    other.connect();
    assert.equal((await refused)[0].message, "Invalid namespace");
  }
  await socket.emitWithAck("ping");
  assert.deepEqual(ends, []);
});
