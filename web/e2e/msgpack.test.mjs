// SOCKETIO_PARSER=msgpack with the parser that socket.io's documentation names, on both transports.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventSource } from "eventsource";
import { io } from "socket.io-client";
import * as parser from "socket.io-msgpack-parser";
import { API_KEY, Server } from "./harness.mjs";
import { once, retry, Tape } from "./wait.mjs";

const TRANSPORTS = { websocket: ["websocket"], polling: ["polling"], upgrade: ["polling", "websocket"] };

function connect(t, server, path = "/", options = {}) {
  const socket = io(server.url + path, { parser, forceNew: true, ...options });
  t.after(() => socket.disconnect());
  return socket;
}

const emit = (server, body, query = "") =>
  server.post(`/v1/emit${query}`, body, { Authorization: `Bearer ${API_KEY}` });

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`events, acknowledgements and binary values with msgpack (${name})`, async (t) => {
    const server = await Server.start(t, { SOCKETIO_PARSER: "msgpack" });
    const socket = connect(t, server, "/", { transports, auth: { userId: "ada" } });
    const [hello] = await once(socket, "connected");
    assert.equal(hello.userId, "ada");
    const joined = await socket.emitWithAck("join-room", "lobby");
    assert.equal(joined.room, "lobby");
    const stream = new EventSource(`${server.url}/sse?userId=bob&channels=lobby`);
    t.after(() => stream.close());
    await once({ once: (event, f) => stream.addEventListener(event, f, { once: true }) }, "connected");

    // A notification, for both transports.
    const both = Promise.all([
      once(socket, "note"),
      once({ once: (event, f) => stream.addEventListener(event, f, { once: true }) }, "note"),
    ]);
    const data = { n: 2 ** 53 - 1, f: -0.5, s: "é\u2028😀", a: [null, true, Array(20).fill(1)], o: {} };
    await server.publish({ target: { channel: "lobby" }, type: "note", data });
    const [[notification, id], [event]] = await both;
    assert.deepEqual(notification.data, data);
    assert.equal(typeof id, "string");
    assert.deepEqual(JSON.parse(event.data).data, data);
    assert.equal(event.lastEventId, id);

    // Bare arguments, with a binary value, and an acknowledgement.
    const bare = once(socket, "bare");
    await emit(server, { room: "lobby", event: "bare", args: [1, { b: { $binary: "AQID" } }] });
    const [one, binary] = await bare;
    assert.equal(one, 1);
    assert.deepEqual([...new Uint8Array(binary.b)], [1, 2, 3]);
    socket.on("question", (text, answer) => answer(text, Buffer.from([9])));
    const { json } = await emit(server, { room: "lobby", event: "question", args: ["why"] }, "?wait=ack");
    assert.deepEqual(json.acks, [{ client: socket.id, args: ["why", { $binary: "CQ==" }] }]);

    // Values that JSON does not have.
    const echo = await socket.emitWithAck("custom-event", {
      date: new Date(0), gone: undefined, nan: NaN, list: [undefined], big: 2 ** 60, minus: -(2 ** 40),
    });
    delete echo.timestamp;
    assert.deepEqual(echo, {
      date: "1970-01-01T00:00:00.000Z", nan: null, list: [null], big: 2 ** 60, minus: -(2 ** 40),
    });
  });
}

test("refusals and namespaces with msgpack", async (t) => {
  const server = await Server.start(t, { SOCKETIO_PARSER: "msgpack" });
  const [refused] = await once(connect(t, server), "connect_error");
  assert.equal(refused.message, "Authentication required");
  assert.equal(refused.data.code, "unauthenticated");
  const [unknown] = await once(connect(t, server, "/nowhere", { auth: { userId: "u" } }), "connect_error");
  assert.equal(unknown.message, "Invalid namespace");
});

test("a client of another parser is disconnected", async (t) => {
  const server = await Server.start(t, { SOCKETIO_PARSER: "msgpack" });
  const socket = io(server.url, { auth: { userId: "u" }, forceNew: true, transports: ["websocket"] });
  t.after(() => socket.disconnect());
  await once(socket.io, "close");
  assert.equal(socket.connected, false);
});

test("what is missed is recovered with msgpack", async (t) => {
  const server = await Server.start(t, { SOCKETIO_PARSER: "msgpack" });
  const socket = connect(t, server, "/", { transports: ["websocket"], auth: { userId: "ada" } });
  const tape = new Tape("ada");
  socket.on("note", (notification) => tape.push(notification.data));
  await once(socket, "connected");
  const send = (data) => server.publish({ target: { user: "ada" }, type: "note", data });
  await send(1);
  await tape.take(1, () => true);
  const { id } = socket;
  socket.io.engine.close();
  await retry(async () => (await server.api("GET", "/v1/users/ada")).json.online === false, "ada is away");
  await send(2);
  await once(socket, "connect");
  assert.deepEqual(await tape.take(2, () => true), [1, 2]);
  assert.equal(socket.id, id);
  assert.equal(socket.recovered, true);
});
