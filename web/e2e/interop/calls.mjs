// Calls that wait for the answers of other servers. A server that counted as one, and did not
// answer, would let the calls of servers on Node fail after 5 seconds.

import assert from "node:assert/strict";
import { wire } from "./senders.mjs";

/** How long a server on Node waits for the others by default, in ms. */
const NODES = 5000;

/** Returns the Socket.IO clients of a role at all servers. */
const clientsOf = ({ readers }, wanted) =>
  readers.filter(({ socket, role }) => socket && role === wanted);

/** Returns what the clients in R answer to "question". */
const answersOf = (stage, text) =>
  clientsOf(stage, "in").map(({ place }) => `${text} ${place}`).sort();

const sorted = (list, of = (item) => item) => list.map(of).sort();

/** The calls of a kind of server, by the name of their row. */
export const CALLS = {
  node: {
    "serverCount": async (stage) => {
      const [{ io }] = stage.nodes;
      assert.equal(await io.of("/").adapter.serverCount(), stage.servers);
      assert.equal(await io.of("/n").adapter.serverCount(), stage.servers);
    },
    "fetchSockets": async (stage) => {
      const [{ io }] = stage.nodes;
      for (const [namespace, role] of [["/", "in"], ["/n", "n"]]) {
        const sockets = await io.of(namespace).in("R").fetchSockets();
        const clients = clientsOf(stage, role);
        assert.deepEqual(sorted(sockets, ({ id }) => id), sorted(clients, ({ id }) => id));
        for (const { id, rooms, handshake } of sockets) {
          assert.ok(rooms.has("R") && rooms.has(id) && rooms.has(`user:${role}`));
          assert.equal(handshake.query.EIO, "4");
          assert.equal(handshake.address, "127.0.0.1");
          const seconds = Math.floor(handshake.issued / 1000);
          assert.equal(new Date(handshake.time).getTime(), seconds * 1000);
        }
      }
      const { id } = stage.reader("roomcast 2", "out");
      assert.deepEqual(sorted(await io.in(id).fetchSockets(), (socket) => socket.id), [id]);
      assert.deepEqual(await io.in("nobody").fetchSockets(), []);
    },
    "serverSideEmit": async (stage) => {
      const [{ io }, other] = stage.nodes;
      other.io.once("question", (text, answer) => answer(`${text} ${other.name}`));
      const answers = await io.serverSideEmitWithAck("question", "from");
      const none = Array(stage.servers - stage.nodes.length).fill(null); // they have no handler
      assert.deepEqual(sorted(answers), sorted([`from ${other.name}`, ...none]));
    },
    "emitWithAck": async (stage) => {
      const to = (room) => stage.nodes[0].io.to(room).timeout(NODES);
      const acks = await to("R").emitWithAck("question", "who");
      assert.deepEqual(sorted(acks), answersOf(stage, "who"));
      const { id } = stage.reader("roomcast 2", "in");
      assert.deepEqual(await to(id).emitWithAck("question", "you"), ["you roomcast 2"]);
      assert.deepEqual(await to("nobody").emitWithAck("question", "you"), []);
    },
    "emitWithAck, binary data": async (stage) => {
      const clients = clientsOf(stage, "in");
      for (const { socket } of clients)
        socket.once("bytes", (bytes, answer) => answer({ bytes, more: Buffer.from([9]) }));
      const sent = Buffer.from([1, 2, 255]);
      const acks = await stage.nodes[0].io.to("R").timeout(NODES).emitWithAck("bytes", sent);
      assert.deepEqual(acks, clients.map(() => ({ bytes: sent, more: Buffer.from([9]) })));
    },
  },
  roomcast: {
    "emitWithAck": async (stage) => {
      const acks = await ask(stage, { room: "R", event: "question", args: ["who"] });
      assert.deepEqual(sorted(acks, ([text]) => text), answersOf(stage, "who"));
    },
    "emitWithAck, binary data": async (stage) => {
      const clients = clientsOf(stage, "in");
      for (const { socket } of clients) socket.once("bytes", (bytes, answer) => answer(bytes));
      const sent = wire(Buffer.from([1, 2, 255]));
      const acks = await ask(stage, { room: "R", event: "bytes", args: [sent] });
      assert.deepEqual(acks, clients.map(() => [sent]));
    },
  },
};

/** Emits by POST /v1/emit?wait=ack. Resolves with the arguments of the acknowledgements. */
async function ask(stage, event) {
  const { status, json } = await stage.roomcasts[0].api("POST", "/v1/emit?wait=ack", event);
  assert.equal(status, 200);
  assert.deepEqual({ ...json, acks: [] }, { acks: [], missing: [], timedOut: false });
  return json.acks.map(({ args }) => args);
}

/** Runs a call, and checks that nothing of it is stored for clients. */
export async function calls(stage, sender, call) {
  const got = await stage.during(sender, () => call(stage));
  assert.deepEqual(got.filter(([, items]) => items.length > 0), []);
}
