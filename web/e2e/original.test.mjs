// A client that was written for the original application, without any of the additions of this
// server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { io } from "socket.io-client";
import { openBrowser } from "./browser.mjs";
import { Server } from "./harness.mjs";
import { once, Tape, TEST } from "./wait.mjs";

const env = {
  SOCKETIO_AS: "event,notification",
  DEFAULT_CHANNELS: "general,content-updates,interactions",
  CONNECTION_UPDATES: "true",
  SOCKETIO_HEARTBEAT_INTERVAL: "1s",
};

/** Opens a page with a native EventSource and two listeners. */
async function originalPage(t, server) {
  const browser = await openBrowser(t);
  const page = await browser.newPage();
  const tape = new Tape("the page");
  await page.exposeFunction("received", (name, data) => tape.push({ name, data: JSON.parse(data) }));
  await page.goto(server.url);
  await page.evaluate(() => {
    const source = new EventSource("/api/sse?userId=olga&username=Olga");
    source.addEventListener("message", (event) => window.received("message", event.data));
    source.addEventListener(
      "connection-update",
      (event) => window.received("connection-update", event.data),
    );
    window.source = source;
  });
  await tape.next("message", { test: ({ data }) => data.type === "connected" });
  return tape;
}

/**
 * Connects a socket with its original listeners, and with a token that this server does not know.
 */
async function originalSocket(t, server) {
  const socket = io(server.url, {
    path: "/api/socket.io",
    auth: { userId: "otto", token: "opaque-session-value" },
    forceNew: true,
  });
  t.after(() => socket.disconnect());
  const tape = new Tape("the socket");
  for (
    const name of [
      "event",
      "notification",
      "connected",
      "heartbeat",
      "subscribed",
      "room-joined",
      "room-left",
      "message",
      "pong",
    ]
  ) {
    socket.on(name, (data) => tape.push({ name, data }));
  }
  await tape.next("connected");
  return { socket, tape };
}

/** Sends to users, channels and all, and checks what the page and the socket receive. */
async function sendAll(server, page, tape, label) {
  const from = [page.items.length, tape.items.length];
  const send = (target, type) => server.publish({ target, type, data: { label } });
  await send({ user: "olga" }, "payment:completed");
  await send({ user: "otto" }, "payment:failed");
  await send({ channel: "content-updates" }, "realtime:post:created");
  await send({ channel: "interactions" }, "realtime:comment:liked");
  await send({ all: true }, "maintenance");
  const shared = ["realtime:post:created", "realtime:comment:liked", "maintenance"];
  const types = (items, name) =>
    items.filter((item) => item.name === name && item.data.data?.label === label).map(({ data }) =>
      data.type
    );
  const last = ({ data }) => data.type === "maintenance" && data.data.label === label;
  await page.next("message", { from: from[0], test: last });
  await tape.next("event", { from: from[1], test: last });
  await tape.next("notification", { from: from[1], test: last });
  assert.deepEqual(types(page.items, "message"), ["payment:completed", ...shared]);
  assert.deepEqual(types(tape.items, "event"), ["payment:failed", ...shared]);
  assert.deepEqual(types(tape.items, "notification"), ["payment:failed", ...shared]);
}

test("a client of the original application", TEST, async (t) => {
  const server = await Server.start(t, env);
  const page = await originalPage(t, server);
  const { socket, tape } = await originalSocket(t, server);

  const { data: connected } = await tape.next("connected");
  assert.equal(connected.userId, "otto");
  assert.equal(connected.clientId, socket.id);
  assert.equal(connected.totalConnections, 2);
  const update = await page.next("connection-update", {
    test: ({ data }) => data.type === "new-connection" && data.clientId === socket.id,
  });
  assert.equal(update.data.totalConnections, 2);
  assert.equal(update.data.userId, "otto");

  await sendAll(server, page, tape, "before");

  socket.emit("subscribe", { channels: ["orders"] });
  assert.deepEqual((await tape.next("subscribed")).data.channels, ["orders"]);
  socket.emit("join-room", "lobby");
  assert.equal((await tape.next("room-joined")).data.room, "lobby");
  socket.emit("send-message", { room: "lobby", message: "hello", metadata: { a: 1 } });
  const { data: message } = await tape.next("message");
  assert.deepEqual({ ...message, timestamp: 0 }, {
    type: "message",
    room: "lobby",
    message: "hello",
    from: { clientId: socket.id, userId: "otto" },
    timestamp: 0,
    metadata: { a: 1 },
  });
  socket.emit("leave-room", "lobby");
  assert.equal((await tape.next("room-left")).data.room, "lobby");
  socket.emit("ping");
  assert.equal((await tape.next("pong")).data.clientId, socket.id);

  const third = io(server.url, {
    auth: { userId: "third" },
    transports: ["websocket"],
    forceNew: true,
  });
  t.after(() => third.disconnect());
  await tape.next("heartbeat", {
    from: tape.items.length,
    test: ({ data }) => data.totalConnections === 3,
  });
  third.disconnect();
  await tape.next("heartbeat", {
    from: tape.items.length,
    test: ({ data }) => data.totalConnections === 2,
  });
  const gone = await page.next("connection-update", {
    test: ({ data }) => data.type === "disconnection" && data.userId === "third",
  });
  assert.equal(gone.data.totalConnections, 2);

  const from = [page.items.length, tape.items.length];
  const lost = once(socket, "disconnect");
  assert.equal((await server.signal("SIGTERM")).code, 0);
  await lost;
  await new Promise((resolve) => setTimeout(resolve, 5000)); // the length of the outage
  await server.up();
  await tape.next("connected", { from: from[1] });
  await page.next("message", { from: from[0], test: ({ data }) => data.type === "connected" });
  await sendAll(server, page, tape, "after");
  const { data: back } = await tape.next("heartbeat", { from: tape.items.length });
  assert.equal(back.totalConnections, 2);
});
