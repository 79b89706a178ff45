// A client that moves between servers: through a line that leads to another server each time, an
// unmodified socket.io-client sends its pid and offset to the next one.

import assert from "node:assert/strict";
import { connectSocket, openStream } from "../clients.mjs";
import { Line } from "../proxy.mjs";
import { once, retry } from "../wait.mjs";

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
