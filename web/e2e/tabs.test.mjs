// Two tabs of one user are two connections, and the user has both.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, notificationOf, openStream } from "./clients.mjs";
import { Server } from "./harness.mjs";

for (
  const [title, kinds] of Object.entries({
    "two sockets": ["socket", "socket"],
    "two streams": ["sse", "sse"],
    "one of each": ["socket", "sse"],
  })
) {
  test(title, async (t) => {
    const server = await Server.start(t);
    const open = (kind, query) =>
      kind === "sse"
        ? openStream(t, server, query, { names: ["both", "first", "second", "channel", "end"] })
        : connectSocket(t, server, { auth: query });
    const first = await open(kinds[0], { userId: "ann", sessionId: "tab-1" });
    const second = await open(kinds[1], {
      userId: "ann",
      sessionId: "tab-2",
      channels: ["orders"],
    });
    assert.notEqual(first.connected.clientId, second.connected.clientId);
    assert.equal(first.connected.totalConnections, 1);
    assert.equal(second.connected.totalConnections, 2);

    const deliver = async (target, type) => {
      const { delivered, users } = await server.publish({ target, type, data: type });
      return [delivered, users];
    };
    assert.deepEqual(await deliver({ user: "ann" }, "both"), [2, 1]);
    assert.deepEqual(await deliver({ client: first.connected.clientId }, "first"), [1, 1]);
    assert.deepEqual(await deliver({ client: second.connected.clientId }, "second"), [1, 1]);
    assert.deepEqual(await deliver({ channel: "orders" }, "channel"), [1, 1]);
    await server.publish({ target: { user: "ann" }, type: "end", data: null });

    const seen = async ({ tape }) => {
      await tape.next("end");
      return tape.items.filter(({ name }) => !["connected", "heartbeat"].includes(name)).map((
        item,
      ) => notificationOf(item).type);
    };
    assert.deepEqual(await seen(first), ["both", "first", "end"]);
    assert.deepEqual(await seen(second), ["both", "second", "channel", "end"]);

    if (kinds[0] === "socket") first.socket.disconnect();
    else first.source.close();
    const third = await open(kinds[1], { userId: "ann", sessionId: "tab-3" });
    await server.publish({ target: { user: "ann" }, type: "both", data: null });
    await third.tape.next("both");
    await second.tape.take(2, ({ name }) => name === "both");
  });
}
