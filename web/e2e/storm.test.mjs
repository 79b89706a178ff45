// More clients than the gate lets in connect at once, and unmodified clients come back by
// themselves. docs/operations.md describes the gate.

import assert from "node:assert/strict";
import { test } from "node:test";
import { io } from "socket.io-client";
import { openStream, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { deadline, once, SOON } from "./wait.mjs";

/** A gate that lets few pass at once. */
const GATE = { HANDSHAKE_RATE: "8" };
const CLIENTS = 20;

for (const [name, transports] of Object.entries(TRANSPORTS))
  test(`socket.io-client comes back after a refused handshake (${name})`, async (t) => {
    const server = await Server.start(t, GATE);
    let refused = 0;
    const connects = Array.from({ length: CLIENTS }, (_, i) => {
      // The back-off is that of the defaults.
      const socket = io(server.url, { transports, forceNew: true, auth: { userId: `u${i}` } });
      t.after(() => socket.disconnect());
      socket.on("connect_error", ({ description, data }) => {
        assert.equal(data, undefined, "a refusal of CONNECT, after which it gives up");
        // The websockets of some runtimes hide the status of the response.
        if (typeof description === "number") assert.equal(description, 503);
        refused++;
      });
      return once(socket, "connect");
    });
    await deadline(Promise.all(connects), SOON, "all clients");
    assert.ok(refused > 0, "the gate refused none");
  });

test("an EventSource comes back after a refused handshake", async (t) => {
  const server = await Server.start(t, GATE);
  const streams = await Promise.all(
    Array.from({ length: CLIENTS }, (_, i) => openStream(t, server, { userId: `u${i}` })),
  );
  const refused = streams.filter(({ tape }) => tape.named("overloaded").length > 0);
  assert.ok(refused.length > 0, "the gate refused none");
});

test("a refused handshake says when to come back", async (t) => {
  const server = await Server.start(t, { HANDSHAKE_RATE: "1" });
  const polling = () => fetch(`${server.url}/socket.io/?EIO=4&transport=polling`);
  let response;
  do response = await polling(); while (response.ok);
  assert.equal(response.status, 503);
  assert.match(response.headers.get("Retry-After"), /^[2-5]$/);
  assert.deepEqual(await response.json(), { code: 4, message: "Too many handshakes at once" });

  let text;
  do text = await begin(`${server.url}/sse?userId=u`); while (/event: connected/.test(text));
  const [, retry] = /^retry: (\d+)\nevent: overloaded\ndata: \{"type":"overloaded"\}\n\n$/.exec(text);
  assert.ok(retry >= 1000 && retry <= 5000, `retry: ${retry}`);
});

test("a stop lets clients leave at the pace of the gate, without DISCONNECT", async (t) => {
  const server = await Server.start(t, { HANDSHAKE_RATE: "10" });
  const sockets = await Promise.all(
    Array.from({ length: 7 }, async (_, i) => {
      const socket = io(server.url, { forceNew: true, auth: { userId: `u${i}` } });
      t.after(() => socket.disconnect());
      await once(socket, "connect");
      return socket;
    }),
  );
  const left = Promise.all(sockets.map(async (socket) => {
    const [reason] = await once(socket, "disconnect");
    return { reason, at: performance.now() };
  }));
  const back = Promise.all(sockets.map((socket) => once(socket, "connect")));
  const { code } = await server.signal("SIGTERM");
  assert.equal(code, 0);
  const ends = await left;
  for (const { reason } of ends) assert.match(reason, /^transport/);
  // Ten in a second: the first closes at once, the last after 0.6 s.
  const times = ends.map(({ at }) => at);
  assert.ok(Math.max(...times) - Math.min(...times) > 300, `they left at ${times}`);
  await server.up();
  await deadline(back, SOON, "all clients");
});

/** Returns the first bytes of a response. */
async function begin(url) {
  const response = await fetch(url);
  const reader = response.body.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}
