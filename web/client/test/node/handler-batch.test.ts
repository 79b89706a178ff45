// Batches of events, which the server posts with EVENTS_BATCH.

import { expect, test } from "vitest";
import { behindServer, eventBody, got, handlerOf, serve, signed, signedRequest } from "./support/handler.ts";

/** Returns a batch of events of different connections, with the ids e0, e1, … */
function batchOf(events: [event: string, ...args: unknown[]][]) {
  return {
    ...eventBody(""),
    type: "events",
    data: {
      events: events.map(([event, ...args], i) => ({
        ...eventBody(event, args, { id: `client${i}`, rooms: [`client${i}`] } as any),
        id: `e${i}`,
      })),
    },
  };
}

const linesOf = (text: string) => text.trim().split("\n").map((line) => JSON.parse(line));

test("each event has a line as soon as its listener has ended, whatever the others do", async () => {
  const { handler: io, logged } = handlerOf();
  const slow: (() => void)[] = [];
  io.on("connection", (socket: any) => {
    socket.on("slow", (ack: any) => new Promise<void>((resolve) => slow.push(resolve)).then(() => ack("at last")));
    socket.on("quick", (n: number, ack: any) => ack(socket.id, n));
    socket.on("bad", () => {
      throw new Error("of one listener");
    });
  });
  const batch = JSON.stringify(batchOf([["slow"], ["quick", 1], ["bad"], ["unknown"], ["quick", 2]]));
  const url = await serve(io.node);
  for (
    const post of [
      () => fetch(url, { method: "POST", headers: signed(batch), body: batch }),
      () => io.fetch(signedRequest(batch)),
    ]
  ) {
    const response = await post();
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (text.split("\n").length <= 4) text += (await reader.read()).value;
    expect(linesOf(text).sort((a, b) => a.id < b.id ? -1 : 1)).toEqual([
      { id: "e1", answer: { data: { $connected: true }, ack: ["client1", 1] } },
      { id: "e2", answer: { data: { $connected: true }, ack: [{ error: { code: "internal" } }] } },
      { id: "e3", answer: { data: { $connected: true } } },
      { id: "e4", answer: { data: { $connected: true }, ack: ["client4", 2] } },
    ]);
    for (const end of slow) end();
    let rest = "";
    for (let next; !(next = await reader.read()).done;) rest += next.value;
    expect(linesOf(rest)).toEqual([
      { id: "e0", answer: { data: { $connected: true }, ack: ["at last"] } },
    ]);
  }
  expect(logged).toHaveLength(2); // of the bad listener
});

test("a batch that is not complete is refused, and none of its events is handled", async () => {
  const { handler: io, ask } = handlerOf();
  let handled = 0;
  io.on("connection", () => handled++);
  const good = batchOf([["x"]]).data.events[0]!;
  for (
    const events of [undefined, {}, [null], [good, { ...good, id: 1 }], [{ ...good, type: "connect" }], [
      good,
      { ...good, data: { ...good.data, args: 1 } },
    ]]
  ) {
    expect(await ask({ ...eventBody(""), type: "events", data: { events } }))
      .toBe("400 data.events is not complete, expected an array of events");
  }
  expect(handled).toBe(0);
});

test("behind a server: the events of many clients, with connections and goodbyes", async () => {
  const { handler: io, connect, logged } = await behindServer({
    EVENTS_CONNECTIONS: "true",
    EVENTS_BATCH: "16",
  });
  io.on("connection", (socket) => {
    socket.data.name = socket.handshake.auth.userId;
    socket.join("all");
    socket.on("add", (n, ack) => {
      socket.data.sum = (socket.data.sum ?? 0) + n;
      ack(socket.data.name, socket.data.sum);
    });
    socket.on("disconnect", () => void io.to("all").emit("left", socket.data.name));
  });
  const clients = await Promise.all(
    Array.from({ length: 20 }, (_, i) => connect({ auth: { userId: `u${i}` } })),
  );
  const answers = clients.flatMap((client) =>
    [1, 2, 3].map((n) => new Promise((resolve) => client.emit("add", n, (...of: any[]) => resolve(of))))
  );
  expect(await Promise.all(answers)).toEqual(
    clients.flatMap((_, i) => [[`u${i}`, 1], [`u${i}`, 3], [`u${i}`, 6]]),
  );
  const left = got(clients[1]!, "left");
  clients[0]!.disconnect();
  expect(await left).toEqual(["u0"]);
  expect(logged).toEqual([]);
});
