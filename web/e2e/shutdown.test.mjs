// SIGTERM drains the process: requests complete, and every client reconnects to the next process.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, openStream, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { once, TEST } from "./wait.mjs";

/** The default of DRAIN_TIMEOUT, in ms. */
const DEFAULT_DRAIN = 25_000;

test("clients come back to a new process on the same port", TEST, async (t) => {
  const server = await Server.start(t, { DRAIN_TIMEOUT: "5s" });
  const sockets = [];
  for (const [name, transports] of Object.entries(TRANSPORTS)) {
    sockets.push({
      ...await connectSocket(t, server, { transports, auth: { userId: name }, name }),
      name,
    });
  }
  const stream = await openStream(t, server, { userId: "sse" }, { names: ["n"] });
  // Every connected client gets the last notification before the end.
  await server.publish({ target: { all: true }, type: "n", data: "before" });

  const from = stream.tape.items.length;
  const gone = sockets.map(({ socket }) => once(socket, "disconnect"));
  const { code, signal, ms } = await server.signal("SIGTERM");
  assert.deepEqual([code, signal], [0, null], server.output);
  assert.ok(ms < DEFAULT_DRAIN, `it took ${ms} ms, so it did not use DRAIN_TIMEOUT`);
  for (const [i, leaving] of gone.entries()) {
    const [reason] = await leaving;
    // After a DISCONNECT packet ("io server disconnect") socket.io-client does not reconnect.
    assert.match(reason, /^transport (close|error)$/, sockets[i].name);
  }
  await stream.tape.next("error", { from });
  for (const { tape } of [...sockets, stream]) assert.equal(tape.named("n").length, 1, tape.name);

  const before = sockets.map(({ tape }) => tape.items.length);
  await server.up();
  await Promise.all(sockets.map(({ tape }, i) => tape.next("connected", { from: before[i] })));
  await stream.tape.next("connected", { from });
  const { delivered } = await server.publish({ target: { all: true }, type: "n", data: "after" });
  assert.equal(delivered, 4);
  for (const { tape } of [...sockets, stream]) await tape.take(2, ({ name }) => name === "n");
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  test(`${signal} without clients`, async (t) => {
    const server = await Server.start(t);
    const { code, ms } = await server.signal(signal);
    assert.equal(code, 0, server.output);
    assert.ok(ms < DEFAULT_DRAIN, `it took ${ms} ms, so it waited for clients`);
    await assert.rejects(fetch(server.url), "the port is free");
  });
}

test("the error names a port that is taken", async (t) => {
  const first = await Server.start(t);
  const second = new Server({}, first.port, "http");
  t.after(() => second.stop());
  // /readyz answers from the first server, so the test waits for the end of the second one.
  await second.up().catch(() => {});
  const { code } = await second.ended();
  assert.notEqual(code, 0);
  assert.ok(second.output.includes(`${first.port}`), second.output);
});
