// The versions of socket.io-client that people have: which connect, on which transports, and what a
// client of version 2 is told.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Server } from "./harness.mjs";
import { once, retry, TEST } from "./wait.mjs";

const TRANSPORTS = { websocket: ["websocket"], polling: ["polling"], upgrade: undefined };

/** Resolves with the `io` of a version, as a page gets it from npm. */
async function clientOf(version) {
  const { default: io } = await import(`socket.io-client-${version}`);
  return io;
}

for (const version of ["3", "4.0"]) {
  for (const [name, transports] of Object.entries(TRANSPORTS)) {
    test(`socket.io-client ${version}, ${name}`, TEST, async (t) => {
      const io = await clientOf(version);
      const server = await Server.start(t);
      const socket = io(server.url, {
        auth: { userId: "u1" },
        forceNew: true,
        ...(transports && { transports }),
      });
      t.after(() => socket.close());
      await once(socket, "connect");
      const wanted = name === "upgrade" ? "websocket" : name;
      await retry(() => socket.io.engine.transport.name === wanted, `the transport ${wanted}`);

      const [{ channels }] = await new Promise((resolve) =>
        socket.emit("subscribe", { channels: ["orders"] }, (...args) => resolve(args))
      );
      assert.deepEqual(channels, ["orders"]);
      const paid = once(socket, "paid");
      const { delivered } = await server.publish({
        target: { channel: "orders" },
        type: "paid",
        data: { amount: 9.99 },
      });
      assert.equal(delivered, 1);
      const [notification, id] = await paid;
      assert.deepEqual(notification.data, { amount: 9.99 });
      assert.equal(notification.id, id);
    });
  }
}

// Version 2 speaks Engine.IO 3, in which the client pings. Its handshake is refused, so that the page
// gets an error at once, and no half of a connection.
for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`socket.io-client 2 is refused, ${name}`, TEST, async (t) => {
    const io = await clientOf("2");
    const server = await Server.start(t);
    const socket = io(server.url, {
      query: { userId: "u1" },
      forceNew: true,
      reconnection: false,
      ...(transports && { transports }),
    });
    t.after(() => socket.close());
    socket.on("connect", () => assert.fail("it is connected"));
    await once(socket, "connect_error");
    const response = await fetch(`${server.url}/socket.io/?EIO=3&transport=polling`);
    assert.equal(response.status, 400);
    assert.deepEqual(await response.json(), { code: 5, message: "Unsupported protocol version" });
  });
}
