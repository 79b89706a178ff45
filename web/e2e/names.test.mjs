// The event name of a notification: its own type, or the name that the client asks for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, openStream, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";

const named = ["payment:completed", "chat message", "größe", "a.b/c+d", "message", "notification"];

test("named events arrive under their type", async (t) => {
  const server = await Server.start(t);
  const streams = [await openStream(t, server, { userId: "u" }, { names: [...named, "end"] })];
  const sockets = [];
  for (const [name, transports] of Object.entries(TRANSPORTS))
    sockets.push(await connectSocket(t, server, { transports, auth: { userId: "u" }, name }));
  for (const type of [...named, "end"])
    await server.publish({ target: { user: "u" }, type, data: { type } });

  for (const { tape } of [...sockets, ...streams]) await tape.next("end");
  for (const { tape } of sockets) {
    const seen = tape.items.filter(({ name }) => named.includes(name));
    assert.deepEqual(
      seen.map(({ name, args: [body] }) => [name, body.type, body.data.type]),
      named.map((type) => [type, type, type]),
    );
  }
  const seen = streams[0].tape.items.filter(({ name }) => named.includes(name));
  assert.deepEqual(
    seen.map(({ name, data }) => [name, data.type, data.data.type]),
    named.map((type) => [type, type, type]),
  );
});

test("as=event renames notifications only", async (t) => {
  const server = await Server.start(t);
  const stream = await openStream(t, server, { userId: "u", as: "event" }, {
    names: ["event", "a", "b"],
  });
  const socket = await connectSocket(t, server, { auth: { userId: "u", as: "event" } });
  const list = await connectSocket(t, server, {
    auth: { userId: "u", as: ["event", "notification", "type"] },
    name: "list",
  });
  const ids = [];
  for (const type of ["a", "b"])
    ids.push((await server.publish({ target: { user: "u" }, type, data: type })).id);

  await stream.tape.take(2, ({ name }) => name === "event");
  await socket.tape.take(2, ({ name }) => name === "event");
  await list.tape.next("b");
  const seen = (tape) =>
    tape.items.filter(({ name }) => ["event", "notification", "a", "b"].includes(name))
      .map((item) => [item.name, (item.data ?? item.args[0]).type, item.id]);
  const once = [["event", "a", ids[0]], ["event", "b", ids[1]]];
  assert.deepEqual(seen(stream.tape), once);
  assert.deepEqual(seen(socket.tape), once);
  assert.deepEqual(
    seen(list.tape),
    ["a", "b"].flatMap((type, i) =>
      ["event", "notification", type].map((name) => [name, type, ids[i]])
    ),
  );
  assert.equal(stream.connected.type, "connected");
  assert.equal(list.connected.type, "connected");
});

test("/api/sse sends everything as message", async (t) => {
  const server = await Server.start(t);
  const { tape } = await openStream(t, server, { userId: "u" }, { path: "/api/sse", wait: false });
  const [first] = await tape.take(1, () => true);
  assert.equal(first.name, "message");
  assert.equal(first.data.type, "connected");
  await server.publish({ target: { all: true }, type: "system:healthy", data: { ok: true } });
  const [, second] = await tape.take(2, () => true);
  assert.equal(second.name, "message");
  assert.equal(second.data.type, "system:healthy");
  assert.deepEqual(second.data.data, { ok: true });
});

test("SOCKETIO_AS and SSE_AS are the defaults of the server", async (t) => {
  const server = await Server.start(t, { SOCKETIO_AS: "event,notification", SSE_AS: "event" });
  const socket = await connectSocket(t, server, { auth: { userId: "u" } });
  const own = await connectSocket(t, server, { auth: { userId: "u", as: "type" }, name: "own" });
  const stream = await openStream(t, server, { userId: "u" }, { names: ["event"] });
  await server.publish({ target: { user: "u" }, type: "done", data: 1 });
  assert.equal((await socket.tape.next("event")).args[0].type, "done");
  assert.equal((await socket.tape.next("notification")).args[0].type, "done");
  assert.equal((await own.tape.next("done")).args[0].type, "done");
  assert.equal((await stream.tape.next("event")).data.type, "done");
  assert.deepEqual(socket.tape.named("done"), []);
  assert.deepEqual(own.tape.named("event"), []);
});
