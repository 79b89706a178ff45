// A client that moves between servers: through a line that leads to another server each time, an
// unmodified socket.io-client sends its pid and offset to the next one.

import assert from "node:assert/strict";
import { connectSocket, openStream } from "../clients.mjs";
import { Line } from "../proxy.mjs";
import { once, retry } from "../wait.mjs";

/** Resolves when the session of a client is in Redis: until then only its offset leads on. */
const saved = ({ redis }, { _pid: pid }) =>
  retry(() => redis.client.exists(`sio:session:${pid}`), "the session");

/**
 * Connects a client to the first server and moves it to each of the others, while send emits two
 * events each time. Checks that it gets all of them once and in order. The last server is a node of
 * Roomcast, and the client an EventSource there, if stream is set.
 */
export async function recovers(t, stage, sender, route, { stream } = {}) {
  const role = `moves-${sender.kind}`;
  const auth = { userId: role, channels: [role] };
  const place = { port: route[0].port };
  const line = await Line.to(t, place);
  const { socket, tape } = await connectSocket(t, line, { auth, name: role, wait: "connect" });
  const { id } = socket;
  const numbers = () => tape.named("e").map(({ args }) => args[0]);
  let n = 0;
  const send = () => sender.emit({ rooms: [role], args: [n++] });
  await send();
  await tape.take(1, ({ name }) => name === "e");
  for (const server of route.slice(1)) {
    const away = once(socket, "disconnect");
    line.cut();
    await away;
    await saved(stage, socket);
    await send();
    await send();
    place.port = server.port;
    const back = once(socket, "connect");
    line.restore();
    await back;
    await send();
    await tape.until(() => numbers().length === n, "what it missed");
    assert.equal(socket.recovered, true);
    assert.equal(socket.id, id);
  }
  assert.deepEqual(numbers(), Array.from({ length: n }, (_, i) => i));
  if (!stream) return;
  const last = tape.named("e").at(-1).id;
  socket.disconnect();
  await send();
  const query = { ...auth, lastEventId: last };
  const options = { names: ["e"], name: `${role}, a stream` };
  const { tape: after } = await openStream(t, stream, query, options);
  await send();
  await after.take(2, ({ name }) => name === "e");
  assert.deepEqual(after.named("e").map(({ data }) => data), [n - 2, n - 1]);
}

/**
 * Connects a client to a server and stops the server, and checks that the client goes on at
 * another one.
 */
export async function leaves(t, stage, sender, server, stop, next) {
  const role = `left by ${sender.kind}`;
  const place = { port: server.port };
  const line = await Line.to(t, place);
  const auth = { userId: role, channels: [role] };
  const { socket, tape } = await connectSocket(t, line, { auth, name: role, wait: "connect" });
  const { id } = socket;
  await sender.emit({ rooms: [role], args: [0] });
  await tape.take(1, ({ name }) => name === "e");
  socket.io.reconnection(false); // until the session is saved
  const away = once(socket, "disconnect");
  await Promise.all([away, stop()]);
  await saved(stage, socket);
  await sender.emit({ rooms: [role], args: [1] });
  place.port = next.port;
  const back = once(socket, "connect");
  socket.io.reconnection(true);
  socket.connect();
  await back;
  await tape.take(2, ({ name }) => name === "e");
  assert.deepEqual(tape.named("e").map(({ args }) => args[0]), [0, 1]);
  assert.equal(socket.recovered, true);
  assert.equal(socket.id, id);
}
