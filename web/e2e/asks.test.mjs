// Events of the server that wait for an acknowledgement: however many there are, the connection of
// a client that answers them stays open.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`a burst of questions is answered (${name})`, async (t) => {
    const server = await Server.run({}, "./web/e2e/emitter");
    t.after(() => server.stop());
    const { socket, tape } = await connectSocket(t, server, { transports, auth: { userId: "u" } });
    const ends = [];
    socket.on("disconnect", (reason) => ends.push(reason));
    let asked = 0;
    socket.on("question", (_, answer) => answer(++asked));
    for (const [n, size] of [[2, 40_000], [20, 4000], [200, 4000], [1000, 10]]) {
      const from = tape.items.length;
      socket.emit("questions", n, size);
      const { args } = await tape.next("counted", { from });
      assert.deepEqual(args, [n, 0], `${n} of ${size} bytes`);
    }
    assert.equal(asked, 1222);

    // More than may wait: the callbacks of those that were not sent get an error.
    const from = tape.items.length;
    socket.emit("questions", 400, 40_000);
    const { args: [answers, errors] } = await tape.next("counted", { from });
    assert.equal(answers + errors, 400);
    assert.ok(answers >= 50, `${answers} answers`);
    assert.deepEqual(ends, []);
  });
}
