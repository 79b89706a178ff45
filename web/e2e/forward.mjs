// The official clients of a Go test: some nodes behind a load balancer without sticky sessions.
//
//	node forward.mjs URL CLIENTS EVENTS TRANSPORT...
//
// Each client gets that many events `n`, in order, while it waits for the acknowledgements of as
// many events `ping`. The script writes `ready` when the events can be published, and at the end one
// line of JSON for each client.

import { once } from "node:events";
import { io } from "socket.io-client";

const [url, clients, events, ...transports] = process.argv.slice(2);

const all = Array.from({ length: Number(clients) }, (_, n) => {
  const client = io(url, { forceNew: true, transports, auth: { userId: `client-${n}` } });
  const seen = { connects: 0, disconnects: [], got: [], acks: 0 };
  client.on("connect", () => seen.connects++);
  client.on("connect_error", ({ message }) => seen.disconnects.push(message));
  client.on("disconnect", (reason) => seen.disconnects.push(reason));
  const done = new Promise((resolve) =>
    client.on("n", ({ data }) => {
      seen.got.push(data);
      if (seen.got.length === Number(events)) resolve();
    })
  );
  return { client, seen, done };
});

await Promise.all(all.map(async ({ client }) => {
  await once(client, "connected");
  const { engine } = client.io;
  if (transports.includes("websocket") && engine.transport.name === "polling") {
    await once(engine, "upgrade");
  }
}));
console.log("ready");
await Promise.all(all.map(async ({ client, seen, done }) => {
  for (; seen.acks < Number(events); seen.acks++) {
    await client.timeout(50_000).emitWithAck("ping", "x".repeat(seen.acks * 500));
  }
  await done;
}));
for (const { client, seen } of all) {
  console.log(JSON.stringify({ ...seen, transport: client.io.engine.transport.name }));
  client.disconnect();
}
