// The server handles, acknowledges and answers the events of a client in the order they were sent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { SOON, Tape } from "./wait.mjs";

const TOTAL = 10_000;
const numbers = Array.from({ length: TOTAL }, (_, i) => i);

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`${TOTAL} client events in order (${name})`, async (t) => {
    const server = await Server.start(t, { RATE_LIMIT_INTERVAL: "0" });
    // An upgrading client sends at once, so that its events are under way while the transport
    // changes.
    const { socket, tape } = await connectSocket(t, server, {
      transports,
      auth: { userId: "u" },
      wait: false,
      name,
    });
    await tape.next("connected");
    const acks = new Tape(`acks of ${name}`);
    for (const n of numbers)
      socket.emit("custom-event", { n, text: "x".repeat(n % 50) }, (answer) => acks.push(answer.n));
    const lost = new Promise((_, reject) => {
      socket.on(
        "disconnect",
        (reason) =>
          reject(new Error(`${reason} after ${acks.items.length} acks, of which the last is ${
            acks.items.at(-1)
          }`)),
      );
    });
    lost.catch(() => {}); // the end of the test disconnects
    await Promise.race([
      lost,
      acks.until((items) => items.length >= TOTAL, `${TOTAL} acks`, 4 * SOON),
    ]);
    await Promise.race([
      lost,
      tape.take(TOTAL, (item) => item.name === "custom-event-response", 4 * SOON),
    ]);

    assert.deepEqual(acks.items, numbers);
    const answers = tape.named("custom-event-response");
    assert.deepEqual(answers.map(({ args: [{ n }] }) => n), numbers);
    for (const { args: [{ n, text, timestamp }] } of answers) {
      assert.equal(text.length, n % 50);
      assert.ok(!Number.isNaN(Date.parse(timestamp)));
    }
    assert.deepEqual(tape.named("error"), []);
    assert.equal(tape.named("connected").length, 1, "the connection stayed open");
  });
}

test("the members of a channel receive the messages of one client in order", async (t) => {
  const server = await Server.start(t, { RATE_LIMIT_INTERVAL: "0", HISTORY_SIZE: "10000" });
  const readers = [];
  for (const [name, transports] of Object.entries(TRANSPORTS)) {
    readers
      .push(await connectSocket(t, server, {
        transports,
        auth: { userId: name, channels: ["talk"] },
        name,
      }));
  }
  const { socket } = await connectSocket(t, server, {
    auth: { userId: "speaker" },
    name: "speaker",
  });
  for (let n = 0; n < 2000; n++) socket.emit("send-message", { room: "talk", message: { n } });
  for (const { tape } of readers) {
    const items = await tape.take(2000, ({ name }) => name === "message", 4 * SOON);
    assert.deepEqual(
      items.map(({ args: [{ message }] }) => message.n),
      numbers.slice(0, 2000),
      tape.name,
    );
    assert.deepEqual(items[0].args[0].from.userId, "speaker");
  }
});
