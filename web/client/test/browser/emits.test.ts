import { expect, test } from "vitest";
import { connected, listen, next, serve, until } from "./server.ts";

const EMITTER = "./web/e2e/emitter";

test("an event of Go code is the same notification on both transports", async () => {
  const url = await serve({}, EMITTER);
  const socket = listen({ url, userId: "ann", channels: ["lobby"], transport: "socket.io" });
  const stream = listen({ url, userId: "bob", channels: ["lobby"], transport: "sse" });
  await connected(socket);
  await connected(stream);
  const cases: [string, unknown[], unknown][] = [
    ["said", ["hello"], "hello"],
    ["pair", [1, { two: 2 }], [1, { two: 2 }]],
    ["bare", [], null],
    ["error-like", [{ type: "x", data: 1 }], { type: "x", data: 1 }],
  ];
  for (const [name, args, data] of cases) {
    const both = [next(socket, name), next(stream, name)];
    socket.emit("emit", "lobby", name, ...args);
    const [bySocket, byStream] = await Promise.all(both);
    expect(bySocket).toMatchObject({ type: name, data, metadata: {} });
    expect(byStream).toMatchObject({ type: name, data, metadata: {} });
    expect(bySocket.id).toMatch(/^[0-9a-f]{8}-\d+$/);
    expect(byStream.id).toBe(bySocket.id);
    expect(Date.parse(bySocket.timestamp)).toBeLessThanOrEqual(Date.now());
  }
});

test("binary values arrive in their places", async () => {
  const url = await serve({}, EMITTER);
  const client = listen({ url, userId: "ann", channels: ["lobby"], transport: "socket.io" });
  await connected(client);
  const came = next(client, "bytes");
  client.emit("bytes", "lobby");
  const { data: [object, tail] } = await came;
  expect([...new Uint8Array(object.part)]).toEqual([1, 2, 255]);
  expect(new TextDecoder().decode(tail)).toBe("tail");
});

test("the client acknowledges an event that asks for it", async () => {
  const url = await serve({}, EMITTER);
  const client = listen({ url, userId: "ann", transport: "socket.io" });
  await connected(client);
  const answered = next(client, "answered");
  client.emit("question");
  await until(client, () => client.got.some(({ name }) => name === "question"));
  expect((await answered).data).toEqual([[], true]);
});

test("events before the connection wait for it, up to a bound", async () => {
  const url = await serve({ RATE_LIMIT_INTERVAL: "0" });
  const client = listen({ url, userId: "ann", transport: "socket.io" });
  const errors: any[] = [];
  client.on("error", (error) => errors.push(error.code));
  const sent = Array.from({ length: 21 }, (_, n) => client.emit("custom-event", { n }));
  expect(sent.filter(Boolean)).toHaveLength(20);
  expect(errors).toEqual(["unavailable"]);
  await until(client, () => client.ids("custom-event-response").length === 20);
  expect(client.got.filter(({ name }) => name === "custom-event-response").map(({ value }) =>
    value.data.n
  )).toEqual([...Array(20).keys()]);
});

test("a stream reports events that it cannot send", async () => {
  const url = await serve();
  const client = listen({ url, userId: "ann", transport: "sse" });
  await connected(client);
  const refused = next(client, "error");
  expect(client.emit("custom-event", {})).toBe(false);
  expect(await refused).toMatchObject({ code: "unsupported" });
  await expect(client.ack("custom-event", {})).rejects.toMatchObject({ code: "unsupported" });
});

test("a closed client sends nothing, keeps its handlers and can reconnect", async () => {
  const url = await serve();
  const client = listen({ url, userId: "ann" });
  await connected(client);
  client.close();
  expect(client.status).toBe("closed");
  expect(client.emit("custom-event", {})).toBe(false);
  await expect(client.send("room", "x")).rejects.toMatchObject({ code: "closed" });
  client.reconnect();
  await connected(client);
  expect(client.got.map(({ name }) => name)).toContain("disconnect");
});

test("an error in one handler is reported to the page and ends no other handler", async () => {
  const url = await serve();
  const client = listen({ url, userId: "ann", transport: "socket.io" });
  await connected(client);
  const thrown = new Promise((resolve) =>
    addEventListener("error", (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      resolve(event.error.message);
    }, { once: true, capture: true })
  );
  client.on("pong", () => {
    throw new Error("mine");
  });
  const second = next(client, "pong");
  client.emit("ping");
  await second;
  expect(await thrown).toBe("mine");
});
