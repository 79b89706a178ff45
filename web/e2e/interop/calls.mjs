// The calls of a server on Node that wait for the answers of the others, which fail after 5 seconds
// if one does not answer. Nodes of Roomcast are among those that it counts.

import assert from "node:assert/strict";

/** How long a server on Node waits for the others by default, in ms. */
const NODES = 5000;

/** Calls what the other servers answer, and checks what each of them has answered. */
export async function calls(stage) {
  const [{ io }, other] = stage.nodes;
  const sockets = stage.readers.filter(({ socket, role }) => socket && role === "in");
  const ids = sockets.map(({ id }) => id).sort();

  const fetched = await io.in("R").fetchSockets();
  assert.deepEqual(fetched.map(({ id }) => id).sort(), ids); // EventSource streams are no sockets
  for (const { id, rooms, handshake } of fetched) {
    assert.ok(rooms.has("R") && rooms.has("S") && rooms.has(id) && rooms.has("user:in"));
    assert.equal(handshake.query.EIO, "4");
    assert.equal(handshake.address, "127.0.0.1");
    assert.equal(new Date(handshake.time).getTime(), Math.floor(handshake.issued / 1000) * 1000);
  }
  assert.deepEqual(await io.of("/n").in("none").fetchSockets(), []);

  other.io.once("question", (text, answer) => answer(`${text} ${other.name}`));
  const answers = await io.serverSideEmitWithAck("question", "from");
  // No handler of Roomcast is there.
  assert.deepEqual(answers.sort(), [`from ${other.name}`, ...stage.roomcasts.map(() => null)].sort());

  const got = await stage.during(stage.senders[0], async () => {
    const acks = await io.to("R").timeout(NODES).emitWithAck("question", "who");
    assert.deepEqual(acks.sort(), sockets.map(({ place }) => `who ${place}`).sort());
  });
  assert.deepEqual(got.filter(([, items]) => items.length > 0), []);
  const binary = await io.to("R").timeout(NODES).emitWithAck("echo", Buffer.from([0, 255]));
  assert.deepEqual(binary, sockets.map(() => Buffer.from([0, 255])));
  assert.equal(await io.of("/").adapter.serverCount(), stage.servers);
}
