// What notifications carry is data: it changes no object of the page, and it is no offset.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, cut, ID, openStream } from "./clients.mjs";
import { API_KEY, Server } from "./harness.mjs";
import { deadline, once, SOON, TEST } from "./wait.mjs";

// JSON.parse makes own properties of these keys; an object literal would set the prototype.
const HOSTILE = [
  `{"__proto__":{"polluted":1}}`,
  `{"constructor":{"prototype":{"polluted":1}},"toString":1,"hasOwnProperty":null}`,
  `[{"__proto__":{"polluted":1}},{"a":{"__proto__":{"__proto__":{"polluted":1}}}}]`,
  `{"__proto__":"x","then":"y","length":-1,"type":"__proto__","id":"0"}`,
];

test("keys such as __proto__ arrive byte for byte and change no prototype", TEST, async (t) => {
  const server = await Server.start(t);
  const auth = { userId: "u", channels: ["__proto__", "constructor"] };
  const names = ["__proto__", "constructor", "n"];
  const { tape: socket } = await connectSocket(t, server, { auth });
  const { tape: stream } = await openStream(t, server, auth, { names });
  const bytes = await fetch(`${server.url}/sse?userId=u&channels=__proto__,constructor`);
  const reader = bytes.body.pipeThrough(new TextDecoderStream()).getReader();
  t.after(() => reader.cancel().catch(() => {}));
  let raw = "";
  for (const data of HOSTILE) {
    for (const type of names) {
      for (const channel of ["__proto__", "constructor"]) {
        const place = { socket: socket.items.length, stream: stream.items.length };
        const response = await fetch(`${server.url}/v1/notifications`, {
          method: "POST",
          headers: { "Content-Type": "application/json", Authorization: `Bearer ${API_KEY}` },
          body: `{"target":{"channel":"${channel}"},"type":"${type}","data":${data},"metadata":{"__proto__":{"polluted":1}}}`,
        });
        const text = await response.text();
        assert.equal(response.status, 200, text);
        const { id } = JSON.parse(text);
        const bySocket = (await socket.next(type, { from: place.socket })).args[0];
        const byStream = (await stream.next(type, { from: place.stream })).data;
        for (const notification of [bySocket, byStream]) {
          assert.equal(notification.id, id);
          assert.equal(JSON.stringify(notification.data), data);
        }
        while (!raw.includes(id) || !raw.endsWith("\n\n")) {
          const { value } = await deadline(reader.read(), SOON, "the bytes of the stream");
          raw += value;
        }
        assert.ok(raw.includes(`"data":${data},`), "the bytes of the data");
      }
    }
  }
  assert.equal(({}).polluted, undefined);
  assert.equal([].polluted, undefined);
  assert.equal((() => {}).polluted, undefined);
});

/** Random strings, half of them close to an offset, from a seed that a failure prints. */
function* strings(seed) {
  let state = seed;
  const random = (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * n);
  };
  const hex = () => random(2 ** 32).toString(16).padStart(8, "0");
  const kinds = [
    (epoch) => `${epoch}-${random(1e6)}`,
    () => `${hex()}-${random(1e6)}`,
    (epoch) => `${epoch}-${["-1", "01", "1e9", "99999999999999999", ""][random(5)]}`,
    (epoch) => ` ${epoch}-${random(100)}`,
    () => "",
    () => String.fromCodePoint(...Array.from({ length: random(12) }, () => 32 + random(0xd000))),
  ];
  for (let epoch = hex();;) epoch = (yield kinds[random(kinds.length)](epoch)) ?? epoch;
}

test("10,000 strings in place of an offset leave the client's offset right", TEST, async (t) => {
  const server = await Server.run({ RATE_LIMIT_INTERVAL: "0" }, "./web/e2e/emitter");
  t.after(() => server.stop());
  const { socket, tape } = await connectSocket(t, server, {
    auth: { userId: "u", channels: ["c"] },
    wait: "connect",
  });
  const seed = Math.floor(Math.random() * 2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const source = strings(seed);
  source.next();
  let got = 0, last, wrong;
  // socket.io-client reads the offset after the listeners of an event, so that of an event is there
  // at the next one.
  socket.onAny((name, ...args) => {
    if (last !== undefined && socket._lastOffset !== last)
      wrong ??= `the offset is ${socket._lastOffset}, not ${last}`;
    last = args.at(-1);
    if (!ID.test(last)) wrong ??= `${name} ends with ${last}`;
    if (name === "s") got++;
  });
  const TOTAL = 10_000, BATCH = 500;
  let { id: epochOf } = await server.publish({ target: { channel: "c" }, type: "start", data: "" });
  const epoch = epochOf.split("-")[0];
  const next = () => source.next(epoch).value;
  for (let sent = 0; sent < TOTAL; sent += BATCH) {
    const ids = (await server.publish(Array.from({ length: BATCH - 10 }, () => ({
      target: { channel: "c" },
      type: "s",
      data: next(),
    })))).map(({ id }) => id);
    assert.equal(new Set(ids).size, BATCH - 10);
    // Arguments of Go code have no object around them.
    for (let i = 0; i < 10; i++) socket.emit("emit", "c", "s", i, next());
    await deadline(
      new Promise((resolve) => {
        const check = () => got >= sent + BATCH ? resolve() : socket.once("s", check);
        check();
      }),
      SOON,
      () => `${sent + BATCH} events, ${got} arrived`,
    );
  }
  assert.equal(wrong, undefined);

  const from = tape.items.length;
  const back = once(socket, "connect");
  await cut(socket);
  const { id } = await server.publish({ target: { channel: "c" }, type: "s", data: next() });
  await back;
  await tape.next("s", { from });
  assert.equal(socket.recovered, true);
  const after = tape.items.slice(from).filter(({ name }) => name === "s");
  assert.deepEqual(after.map((item) => item.id), [id], "only what the client missed");
});
