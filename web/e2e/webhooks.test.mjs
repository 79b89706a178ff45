// Webhooks with a receiver in Node that verifies with the library of Standard Webhooks, while
// unmodified clients of both transports come and go.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { Webhook } from "standardwebhooks";
import { connectSocket, cut, openStream } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { once, Tape, TEST } from "./wait.mjs";

const SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/**
 * Starts a receiver. status: the status of the answer to the nth request. Its tape has the events
 * of the requests that it accepted, as {name, id, data}, each once.
 */
async function receiver(t, status = () => 204) {
  const tape = new Tape("receiver");
  const requests = [];
  const seen = new Set(); // a receiver gets every event at least once
  const verifier = new Webhook(SECRET);
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const batch = verifier.verify(body, request.headers); // throws, and the test fails
    assert.equal(batch.type, "batch");
    assert.equal(batch.id, request.headers["webhook-id"]);
    requests.push({ id: batch.id, body });
    const code = status(requests.length - 1);
    if (code < 300)
      for (const { type, id, data } of batch.data.events) {
        if (!seen.has(id)) tape.push({ name: type, id, data });
        seen.add(id);
      }
    response.writeHead(code).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}/webhooks`, tape, requests };
}

const start = (t, urls, env) =>
  Server.start(t, { WEBHOOK_URLS: urls, HOOK_SECRET: SECRET, ...env });

/** Returns the type of each event about a connection, user or channel. */
const story = (tape, pick) => tape.items.filter(({ data }) => pick(data)).map(({ name }) => name);

test("clients of both transports come and go", TEST, async (t) => {
  const { url, tape } = await receiver(t);
  const server = await start(t, url);
  const { socket } = await connectSocket(t, server, { auth: { userId: "ada" } });
  const { source, connected } = await openStream(t, server, { userId: "bob", channels: "orders" });
  const id = socket.id;
  assert.deepEqual(
    (await tape.next("connection.opened", { test: ({ data }) => data.connection.id === id })).data,
    {
      connection: {
        id,
        namespace: "/",
        userId: "ada",
        username: "ada",
        transport: "websocket",
      },
      recovered: false,
    },
  );
  const byStream = ({ data }) => data.connection.id === connected.clientId;
  const opened = await tape.next("connection.opened", { test: byStream });
  assert.equal(opened.data.connection.transport, "sse");
  await tape.next("channel.occupied", { test: ({ data }) => data.channel === "orders" });

  // A client whose network fails resumes within the delay: its connection ends, its user stays.
  await cut(socket);
  await once(socket, "connect");
  assert.equal(socket.recovered, true);
  await tape.next("connection.opened", { test: ({ data }) => data.recovered });

  socket.disconnect();
  source.close();
  const closed = await tape.next("connection.closed", { test: byStream });
  assert.equal(closed.data.reason, "transport close");
  assert.ok(closed.data.durationMs >= 0 && Date.parse(closed.data.connectedAt) > 0);
  await tape.next("user.offline", { test: ({ data }) => data.userId === "ada" });
  await tape.next("user.offline", { test: ({ data }) => data.userId === "bob" });
  await tape.next("channel.vacated", { test: ({ data }) => data.channel === "orders" });

  assert.deepEqual(story(tape, ({ userId }) => userId === "ada"), ["user.online", "user.offline"]);
  assert.deepEqual(story(tape, ({ userId }) => userId === "bob"), ["user.online", "user.offline"]);
  assert.deepEqual(
    story(tape, ({ channel }) => channel === "orders"),
    ["channel.occupied", "channel.vacated"],
  );
  assert.deepEqual(story(tape, ({ connection }) => connection?.id === id), [
    "connection.opened",
    "connection.closed",
    "connection.opened",
    "connection.closed",
  ]);
  const reasons = tape.named("connection.closed").filter(({ data }) => data.connection.id === id);
  assert.equal(reasons[1].data.reason, "client namespace disconnect");
});

test("notifications that nobody got", TEST, async (t) => {
  const { url, tape } = await receiver(t);
  const server = await start(t, url, { WEBHOOK_EVENTS: "notification.*" });
  const { socket } = await connectSocket(t, server, { auth: { userId: "ada" } });
  const { id } = await server.publish({
    target: { users: ["ada", "eve"] },
    type: "order",
    data: { n: 1 },
  });
  const { data } = await tape.next("notification.undelivered");
  assert.deepEqual(data.unreached, { users: ["eve"] });
  assert.deepEqual([data.reason, data.notification.id], ["unconnected", id]);
  assert.deepEqual(data.notification.data, { n: 1 });

  socket.on("ask", (_, ack) => ack("yes"));
  const ask = (event) =>
    server.api("POST", "/v1/emit?wait=ack&timeout=100ms", { room: "user:ada", event, args: [1] });
  socket.on("ignored", () => {});
  assert.equal((await ask("ignored")).json.acks.length, 0);
  const asked = await tape.next("notification.undelivered", {
    test: (item) => item.data.reason === "unacknowledged",
  });
  assert.deepEqual(asked.data.unreached, { users: ["ada"] });
  assert.equal(asked.data.asked, 1);
  assert.equal(asked.data.notification.type, "ignored");
  assert.equal(tape.items.length, 2);
});

test("a receiver that fails gets the same request again, and then the rest in order", TEST, async (t) => {
  const failing = await receiver(t, (n) => (n < 2 ? 500 : 200));
  const other = await receiver(t);
  const server = await start(t, `${failing.url},${other.url}`, { WEBHOOK_EVENTS: "user.online" });
  for (const userId of ["u1", "u2", "u3"]) await connectSocket(t, server, { auth: { userId } });
  for (const { tape } of [failing, other])
    await tape.next("user.online", { test: ({ data }) => data.userId === "u3" });
  const ids = ({ tape }) => tape.items.map(({ id }) => id);
  assert.deepEqual(ids(failing), ids(other), "each URL has the same events in the same order");
  assert.deepEqual(failing.requests[0], failing.requests[1]);
  assert.deepEqual(failing.requests[0], failing.requests[2]);
});

test("SIGTERM sends what is queued", TEST, async (t) => {
  const { url, tape } = await receiver(t);
  const server = await start(t, url);
  const { socket } = await connectSocket(t, server, { auth: { userId: "ada" } });
  const id = socket.id;
  socket.io.reconnection(false);
  const { code } = await server.signal("SIGTERM");
  assert.equal(code, 0, server.output);
  const { data } = await tape.next("connection.closed");
  assert.deepEqual([data.connection.id, data.reason], [id, "server shutting down"]);
  assert.equal(tape.named("user.offline").length, 0, "a stop of the server is no absence");
});

test("SIGTERM with a receiver that never answers", TEST, async (t) => {
  const silent = createServer(() => {});
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  t.after(() => {
    silent.close();
    silent.closeAllConnections();
  });
  const server = await start(t, `http://127.0.0.1:${silent.address().port}/`, {
    DRAIN_TIMEOUT: "1s",
  });
  await connectSocket(t, server, { auth: { userId: "ada" } });
  const { code } = await server.signal("SIGTERM");
  assert.equal(code, 0, server.output);
  assert.match(server.output, /"webhooks dropped".*"reason":"stopped"/);
});
