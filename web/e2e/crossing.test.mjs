// One log and one id for both transports: a client can disconnect on one and resume on the other.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, notificationOf, openStream, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";

const isNumber = ({ name }) => name === "n";
const auth = { userId: "u", channels: ["orders"] };

/**
 * Reads at least n notifications, then disconnects. Resolves with what it read, and the last id.
 */
async function leave(client, n) {
  await client.tape.take(n, isNumber);
  if (client.socket) client.socket.disconnect();
  else client.source.close();
  const items = client.tape.items.filter(isNumber);
  return { read: items.map((item) => notificationOf(item).data), id: items.at(-1).id };
}

// A publisher that continues while the client changes the transport, to the user, a channel and all
// in turn.
async function publishUntil(server, done) {
  const targets = [{ user: "u" }, { channel: "orders" }, { all: true }];
  let n = 0;
  while (!done()) {
    await server.publish({ target: targets[n % targets.length], type: "n", data: n });
    n++;
  }
  return n;
}

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`from Socket.IO (${name}) to EventSource and back, while notifications flow`, async (t) => {
    const server = await Server.start(t, { HISTORY_SIZE: "10000" });
    let client = await connectSocket(t, server, { transports, auth });
    let done = false;
    const publishing = publishUntil(server, () => done);
    t.after(() => {
      done = true;
    });
    const read = [];
    for (let turn = 0; turn < 3; turn++) {
      for (const next of ["sse", "socket"]) {
        const left = await leave(client, 20);
        read.push(...left.read);
        client = next === "sse"
          ? await openStream(t, server, { ...auth, lastEventId: left.id }, {
            names: ["n"],
            name: `stream ${turn}`,
          })
          : await connectSocket(t, server, {
            transports,
            auth: { ...auth, since: left.id },
            name: `socket ${turn}`,
          });
      }
    }
    await client.tape.take(1, isNumber); // or the stream before may have read the last one
    done = true;
    const n = await publishing;
    await client.tape.next("n", { test: (item) => notificationOf(item).data === n - 1 });
    read.push(...(await leave(client, 1)).read);
    assert.deepEqual(
      read,
      Array.from({ length: n }, (_, i) => i),
      "nothing missed, doubled or out of order",
    );
  });
}

test("a client can resume at the id of any event of a socket", async (t) => {
  const server = await Server.start(t, { SOCKETIO_HEARTBEAT_INTERVAL: "200ms" });
  const { socket, tape } = await connectSocket(t, server, { auth });
  await server.publish({ target: { user: "u" }, type: "n", data: 0 });
  await tape.next("n");
  await server.publish({ target: { user: "somebody else" }, type: "n", data: "not ours" });
  const heartbeat = await tape.next("heartbeat", { from: tape.items.length });
  await socket.emitWithAck("custom-event", {});
  const { id: reply } = await tape.next("custom-event-response");
  socket.disconnect();
  const { id } = await server.publish({ target: { user: "u" }, type: "n", data: 1 });

  for (const from of [heartbeat.id, reply]) {
    const stream = await openStream(t, server, { ...auth, lastEventId: from }, {
      names: ["n"],
      name: `after ${from}`,
    });
    await stream.tape.next("recovery");
    assert.deepEqual(stream.tape.items.filter(isNumber).map((item) => [item.data.data, item.id]), [[
      1,
      id,
    ]]);
  }
});
