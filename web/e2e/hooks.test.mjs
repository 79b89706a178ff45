// The event hook with a handler in Node, signatures checked with node:crypto, and an unmodified
// socket.io-client.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { handler, SECRET, stopped } from "./hook.mjs";
import { deadline, once, retry, SOON } from "./wait.mjs";

const start = (t, url, env) =>
  Server.start(t, { EVENTS_URL: `${url},/admin=${url}`, HOOK_SECRET: SECRET, ...env });

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`a chat whose handlers are in Node (${name})`, async (t) => {
    const { url } = await handler(t, ({ connection, event, args }) => {
      switch (event) {
        case "login":
          return { data: { name: args[0] }, join: ["lobby"], ack: [{ ok: true }] };
        case "chat message":
          return {
            emit: [{ room: "lobby", event: "chat message", args: [connection.data.name, ...args] }],
            ack: ["sent"],
          };
        case "photo":
          return { emit: [{ room: "@others", event: "photo", args }], ack: [args[0]] };
      }
    });
    const server = await start(t, url);
    const options = { transports, forceNew: true };
    const { socket: ada } = await connectSocket(t, server, { ...options, auth: { userId: "ada" } });
    const { socket: bob } = await connectSocket(t, server, { ...options, auth: { userId: "bob" } });
    assert.deepEqual(await ada.emitWithAck("login", "Ada"), { ok: true });
    assert.deepEqual(await bob.emitWithAck("login", "Bob"), { ok: true });
    const heard = once(bob, "chat message");
    assert.equal(await ada.emitWithAck("chat message", "hello"), "sent");
    assert.deepEqual((await heard).slice(0, 2), ["Ada", "hello"]);
    const photo = once(bob, "photo");
    const echo = await ada.emitWithAck("photo", Buffer.from([1, 2, 3]));
    assert.deepEqual([...echo], [1, 2, 3]);
    assert.deepEqual([...(await photo)[0]], [1, 2, 3]);
    const admin = ada.io.socket("/admin", { auth: { userId: "ada" } });
    t.after(() => admin.disconnect());
    admin.connect();
    await deadline(once(admin, "connect"), SOON, "the namespace of the second entry");
    assert.deepEqual(await admin.emitWithAck("login", "Root"), { ok: true });
  });
}

test("the built-in events are posted when they are off", async (t) => {
  const seen = [];
  const { url } = await handler(t, ({ event, args }) => {
    seen.push([event, ...args]);
    return { ack: ["mine"] };
  });
  const server = await start(t, url, { SOCKETIO_BUILTINS: "false" });
  const { socket } = await connectSocket(t, server, { auth: { userId: "u" } });
  assert.equal(await socket.emitWithAck("join-room", "r"), "mine");
  assert.equal(await socket.emitWithAck("ping"), "mine");
  assert.deepEqual(seen, [["join-room", "r"], ["ping"]]);
});

test("a handler that goes away and comes back", async (t) => {
  let answered = 0;
  const { url, server: node } = await handler(t, ({ args }) => {
    answered++;
    return { ack: args };
  });
  const server = await start(t, url);
  const { socket } = await connectSocket(t, server, { auth: { userId: "u" } });
  assert.equal(await socket.emitWithAck("n", 1), 1);
  const startAgain = await stopped(node);
  for (let n = 2; n < 6; n++) {
    assert.deepEqual(await socket.emitWithAck("n", n), { error: { code: "unavailable" } });
  }
  await startAgain();
  await retry(async () => (await socket.emitWithAck("n", 6)) === 6, "the handler is asked again");
  assert.equal(socket.connected, true);
});
