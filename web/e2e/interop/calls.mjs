// The calls of a server on Node that wait for the answers of the others. A node of Roomcast that
// counted as a server, and did not answer, would let them fail after 5 seconds.

import assert from "node:assert/strict";

/** How long a server on Node waits for the others by default, in ms. */
const NODES = 5000;

/** Calls what the other server on Node answers, and checks that it gets this alone. */
export async function calls(stage) {
  const [{ io }, other] = stage.nodes;
  const all = stage.readers.filter(({ place, role }) => place.startsWith("node") && role === "in");
  const ids = all.map(({ id }) => id).sort();

  const sockets = await io.in("R").fetchSockets();
  assert.deepEqual(sockets.map(({ id }) => id).sort(), ids);
  assert.ok(sockets.every(({ rooms }) => rooms.has("R") && rooms.has("S")));

  other.io.once("question", (text, answer) => answer(`${text} ${other.name}`));
  const answers = await io.serverSideEmitWithAck("question", "from");
  assert.deepEqual(answers, [`from ${other.name}`]);

  const got = await stage.during(stage.senders[0], async () => {
    const acks = await io.to("R").timeout(NODES).emitWithAck("question", "who");
    assert.deepEqual(acks.sort(), all.map(({ place }) => `who ${place}`).sort());
  });
  assert.deepEqual(got.filter(([, items]) => items.length > 0), []);
  assert.equal(await io.of("/").adapter.serverCount(), stage.nodes.length);
}
