// Each kind of target reaches the connections that it names, and no others, on every transport.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, ID, openStream, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";

/**
 * Opens a client of a kind: a transport of socket.io-client, or "sse". seen() returns the
 * {notification, id} received.
 */
async function open(t, server, kind, userId, channels) {
  const name = `${kind} of ${userId}`;
  if (kind === "sse") {
    const { tape, connected } = await openStream(t, server, { userId, channels, as: "message" }, {
      name,
    });
    return {
      name,
      userId,
      channels,
      clientId: connected.clientId,
      seen: () => tape.named("message").map(({ data, id }) => ({ notification: data, id })),
      end: () => tape.next("message", { test: ({ data }) => data.type === "end" }),
    };
  }
  const { tape, connected, socket } = await connectSocket(t, server, {
    transports: TRANSPORTS[kind],
    auth: { userId, channels },
    name,
  });
  assert.equal(socket.io.engine.transport.name, kind === "polling" ? "polling" : "websocket");
  assert.equal(connected.socketId, socket.id);
  const own = new Set(["connected", "heartbeat"]);
  return {
    name,
    userId,
    channels,
    clientId: connected.clientId,
    seen: () =>
      tape.items.filter((item) => !own.has(item.name)).map(({ args: [notification], id }) => ({
        notification,
        id,
      })),
    end: () => tape.next("end"),
  };
}

test("every target on every transport", async (t) => {
  const server = await Server.start(t);
  const clients = [];
  for (const kind of [...Object.keys(TRANSPORTS), "sse"]) {
    clients.push(await open(t, server, kind, `${kind}-a`, ["orders", `only-${kind}`]));
    clients.push(await open(t, server, kind, `${kind}-b`, ["news"]));
  }
  const total = clients.length;
  const sent = [];
  async function send(target, reaches, receipt) {
    const type = `test:${sent.length}`;
    const data = { n: sent.length, text: "Grüße \u2028 <b>&" };
    const reply = await server.publish({ target, type, data, metadata: { source: "webhook" } });
    assert.match(reply.id, ID);
    assert.deepEqual(
      reply,
      { id: reply.id, stored: true, channels: reply.channels, ...receipt },
      JSON.stringify(target),
    );
    sent.push({ target, type, data, id: reply.id, reaches });
  }

  for (const kind of [...Object.keys(TRANSPORTS), "sse"]) {
    const user = `${kind}-a`;
    await send({ user }, (c) => c.userId === user, { delivered: 1, users: 1, channels: 0 });
    await send({ channel: `only-${kind}` }, (c) => c.userId === user, {
      delivered: 1,
      users: 1,
      channels: 1,
    });
    const { clientId } = clients.find((c) => c.userId === user);
    await send({ client: clientId }, (c) => c.clientId === clientId, {
      delivered: 1,
      users: 1,
      channels: 0,
    });
  }
  const users = ["websocket-a", "sse-b", "polling-b"];
  await send({ users }, (c) => users.includes(c.userId), { delivered: 3, users: 3, channels: 0 });
  await send({ channel: "orders" }, (c) => c.channels.includes("orders"), {
    delivered: 4,
    users: 4,
    channels: 1,
  });
  await send({ channels: ["orders", "news"] }, () => true, {
    delivered: total,
    users: total,
    channels: 2,
  });
  await send({ user: "nobody" }, () => false, { delivered: 0, users: 0, channels: 0 });
  await send({ all: true }, () => true, { delivered: total, users: total });
  const last = await server.publish({ target: { all: true }, type: "end", data: null });

  for (const client of clients) {
    await client.end();
    const expected = sent.filter(({ reaches }) => reaches(client));
    const seen = client.seen();
    assert.deepEqual(seen.map(({ notification }) => notification.type), [
      ...expected.map(({ type }) => type),
      "end",
    ], client.name);
    for (const [i, { type, data, id, target }] of expected.entries()) {
      const { notification } = seen[i];
      const metadata = { source: "webhook" };
      if (target.channel) metadata.channel = target.channel;
      if (target.channels) metadata.channels = target.channels;
      assert.deepEqual(notification, {
        id,
        type,
        data,
        timestamp: notification.timestamp,
        metadata,
      }, client.name);
      assert.match(notification.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.equal(seen[i].id, id, `the trailing id at ${client.name}`);
    }
    assert.equal(seen.at(-1).id, last.id);
  }
});

test("except and volatile", async (t) => {
  const server = await Server.start(t);
  const one = await connectSocket(t, server, { auth: { userId: "u" }, name: "one" });
  const two = await connectSocket(t, server, { auth: { userId: "u" }, name: "two" });
  const stream = await openStream(t, server, { userId: "u" }, { names: ["note", "typing", "end"] });
  const except = [one.connected.clientId, stream.connected.clientId];
  assert.equal(
    (await server.publish({ target: { user: "u" }, type: "note", data: 1, except })).delivered,
    1,
  );
  const { id, ...volatile } = await server.publish({
    target: { user: "u" },
    type: "typing",
    data: 2,
    volatile: true,
  });
  assert.equal(id, undefined);
  assert.deepEqual(volatile, { delivered: 3, users: 1, channels: 0, stored: false });
  await server.publish({ target: { user: "u" }, type: "end", data: 3 });
  for (const { tape } of [one, two, stream]) await tape.next("end");

  assert.deepEqual(one.tape.named("note"), []);
  assert.deepEqual(stream.tape.named("note"), []);
  const [note] = two.tape.named("note");
  const [typing] = two.tape.named("typing");
  assert.equal(typing.id, note.id, "a volatile event ends with the cursor");
  assert.equal("id" in typing.args[0], false, "a volatile notification has no id of its own");
  assert.equal("id" in stream.tape.named("typing")[0].data, false);
});
