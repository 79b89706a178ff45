// Networks that break connections at random times, with the official clients: everything arrives
// once and in order. ROOMCAST_SOAK=1 runs the long forms.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, notificationOf, openStream, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { Line } from "./proxy.mjs";
import { SOAK, SOON, TEST } from "./wait.mjs";

// The history keeps everything, so that a slow machine gets no gap.
const env = { PUBLISH_RATE: "0", HISTORY_SIZE: "100000", SSE_MAX_CONNECTIONS: "1000" };
const CHANNELS = 10;
const channelOf = (i) => `c${i % CHANNELS}`;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Opens clients of one kind, each in one of the channels. Resolves when all are connected. */
function open(t, n, connect) {
  return Promise.all(Array.from({ length: n }, async (_, i) => {
    const client = await connect(i);
    await client.tape.next("connected", { ms: 2 * SOON });
    return { ...client, channel: channelOf(i) };
  }));
}

const socketsOf = (t, line, n, transports) =>
  open(t, n, (i) =>
    connectSocket(t, line, {
      transports,
      auth: { userId: `u${i}`, channels: [channelOf(i)] },
      name: `socket ${i}`,
      wait: false,
      reconnectionDelay: 10,
      reconnectionDelayMax: 100,
    }));

const streamsOf = (t, line, n) =>
  open(t, n, (i) =>
    openStream(t, line, { userId: `s${i}`, channels: channelOf(i) }, {
      names: ["n"],
      name: `stream ${i}`,
      wait: false,
    }));

/**
 * Publishes `batch` notifications again and again for a time, in ms, to one channel after the other.
 * Resolves with their ids. Each notification has its number as its data.
 */
async function publishFor(server, ms, { batch, every }) {
  const ids = [];
  for (const end = performance.now() + ms; performance.now() < end; ) {
    const next = pause(every);
    const receipts = await server.publish(Array.from({ length: batch }, (_, i) => {
      const data = ids.length + i;
      return { target: { channel: channelOf(data) }, type: "n", data };
    }));
    for (const { id } of receipts) ids.push(id);
    await next;
  }
  return ids;
}

const seq = (id) => Number(id.split("-")[1]);

/**
 * Checks that every client has each notification of its channel once and in order, or a gap that
 * covers it. Resolves with the number of gaps.
 */
async function check(clients, ids) {
  let gaps = 0;
  for (const { tape, channel } of clients) {
    const wanted = [...ids.entries()].filter(([i]) => channelOf(i) === channel);
    const last = wanted.at(-1)[1];
    await tape.until(
      (items) => items.some(({ name, id }) => name === "n" && id === last),
      "the last notification",
      4 * SOON,
    );
    const got = tape.named("n");
    const covered = tape.named("gap").map(notificationOf);
    gaps += covered.length;
    let place = 0;
    for (const [i, id] of wanted) {
      const here = got[place];
      if (here?.id === id && notificationOf(here).data === i) place++;
      else
        assert.ok(
          covered.some(({ from, to }) => seq(from) < seq(id) && seq(id) <= seq(to)),
          `${tape.name}: in place of ${id} it has ${JSON.stringify(here)}`,
        );
    }
    assert.equal(got.length, place, `${tape.name}: more than was published`);
  }
  return gaps;
}

const reconnects = (clients) =>
  clients.reduce((sum, { tape }) => sum + tape.named("connected").length - 1, 0);

test("a network that flaps: sockets and streams miss nothing", TEST, async (t) => {
  const [each, most, ms] = SOAK ? [200, 3000, 60_000] : [20, 1000, 3000];
  const server = await Server.start(t, env);
  const line = await Line.to(t, server);
  const clients = [
    ...await socketsOf(t, line, each, ["websocket"]),
    ...await streamsOf(t, line, each),
  ];
  line.flap(200, most);
  const ids = await publishFor(server, ms, { batch: CHANNELS, every: 50 });
  line.flap();
  assert.equal(await check(clients, ids), 0, "gaps");
  t.diagnostic(`${clients.length} clients, ${ids.length} notifications, ${
    reconnects(clients)
  } reconnects: nothing lost, repeated or out of order`);
  assert.ok(reconnects(clients) >= each, "the network did not flap");
});

test("upgrades while a proxy breaks 10 % of the connections: sockets miss nothing", TEST, async (t) => {
  const [each, ms] = SOAK ? [200, 30_000] : [20, 3000];
  // A client whose WebSocket breaks during the upgrade polls no more, and notices it by the missing
  // pings only. Then more is missed than a replay has.
  const server = await Server.start(t, {
    ...env,
    SOCKETIO_PING_INTERVAL: "2s",
    SOCKETIO_PING_TIMEOUT: "5s",
  });
  const line = await Line.to(t, server);
  const clients = await socketsOf(t, line, each, TRANSPORTS.upgrade);
  const breaks = setInterval(() => line.cutShare(0.1), 200);
  t.after(() => clearInterval(breaks));
  const ids = await publishFor(server, ms, { batch: 50, every: 50 }); // 1,000 a second
  clearInterval(breaks);
  const gaps = await check(clients, ids);
  t.diagnostic(`${clients.length} clients, ${ids.length} notifications, ${
    reconnects(clients)
  } reconnects, ${gaps} gaps: nothing lost, repeated or out of order`);
  assert.ok(reconnects(clients) > 0, "the proxy broke no connection");
});
