// Options of socket.io-client that change what its transports send: forceBase64 and protocols.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { retry } from "./wait.mjs";

/** Starts a server that answers "echo", and connects a client that has done its upgrade. */
async function connect(t, transports, options) {
  const server = await Server.run({}, "./web/e2e/emitter");
  t.after(() => server.stop());
  const auth = { userId: "u" };
  const client = await connectSocket(t, server, { transports, auth, ...options });
  const transport = () => client.socket.io.engine.transport;
  await retry(() => transport().name === transports.at(-1), "the upgrade");
  return { ...client, ws: transport().ws };
}

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`binary events of a client with forceBase64 (${name})`, async (t) => {
    const { socket, tape, ws } = await connect(t, transports, { forceBase64: true });
    const frames = [];
    ws?.addEventListener("message", ({ data }) => frames.push(data));
    const bytes = Buffer.from([0, 1, 2, 254, 255]);
    const values = [{ part: bytes }, bytes, "text", Buffer.alloc(0)];
    for (let round = 0; round < 3; round++) {
      const from = tape.items.length;
      assert.deepEqual(await socket.emitWithAck("echo", ...values), values[0]);
      assert.deepEqual((await tape.next("echo", { from })).args, values);
    }
    // A Node server does not send binary frames to such a client either.
    assert.deepEqual(frames.filter((frame) => typeof frame !== "string"), []);
    assert.equal(frames.length > 0, ws !== undefined);
  });

  test(`protocols of a client (${name})`, async (t) => {
    const { socket, ws } = await connect(t, transports, { protocols: ["v2.app", "json"] });
    assert.equal(await socket.emitWithAck("echo", 1), 1);
    if (ws) assert.equal(ws.protocol, "v2.app");
  });
}
