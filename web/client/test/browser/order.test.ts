import { expect, onTestFinished, test } from "vitest";
import { commands, connected, listen, network, next, serve, until } from "./server.ts";

const rooms = async (url: string) =>
  ((await commands.api(url, "GET", "/v1/connections")).json as any).connections[0]
    .rooms as string[];

test("Socket.IO sends in the order of the calls, before and after the connection", async () => {
  const url = await serve();
  const frames: string[] = [];
  const send = WebSocket.prototype.send;
  onTestFinished(() => void (WebSocket.prototype.send = send));
  WebSocket.prototype.send = function(data) {
    frames.push(/^4\d*(?:\["|0)([\w-]*)/.exec(String(data))?.[1] ?? "");
    send.call(this, data);
  };
  const client = listen({ url, userId: "ann", transport: "socket.io", pingInterval: 0 });
  const work = () => [
    client.emit("custom-event", {}),
    client.join("a"),
    client.emit("ping"),
    client.ack("custom-event", {}),
    client.send("a", 1),
    client.emit("ping"),
  ];
  const order = ["custom-event", "subscribe", "ping", "custom-event", "send-message", "ping"];
  let second: Promise<unknown> | undefined;
  client.onStatus(() => {
    if (client.status === "connected") second = Promise.all(work());
  }); // after what waited
  await Promise.all(work());
  await second;
  expect(frames.filter(Boolean)).toEqual([...order, ...order]); // without CONNECT and pongs
});

test("EventSource sends one request after the other", async () => {
  const url = await serve();
  const fetch = globalThis.fetch;
  onTestFinished(() => void (globalThis.fetch = fetch));
  let first = true;
  globalThis.fetch = async (input, init) => {
    if (first && String(input).includes("/messages")) {
      first = false;
      // A network in which the second one could overtake.
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return fetch(input, init);
  };
  const client = listen({ url, userId: "ann", transport: "sse", channels: ["a"] });
  await connected(client);
  await Promise.all([1, 2, 3].map((n) => client.send("a", n)));
  await until(client, () => client.ids("message").length === 3);
  expect(client.got.filter(({ name }) => name === "message").map(({ value }) => value.data.message))
    .toEqual([1, 2, 3]);
});

for (const transport of ["socket.io", "sse"] as const) {
  test(`the last join or leave wins, also after a reconnect (${transport})`, async () => {
    const url = await serve();
    const client = listen({ url, userId: "ann", transport, backoff: { min: 20 } });
    await connected(client);
    await Promise.all([
      client.join("a"),
      client.leave("a"),
      client.join("b"),
      client.leave("b"),
      client.join("b"),
    ]);
    for (let round = 0; round < 2; round++) {
      await client.send("b", round);
      // The receipt may arrive before the message, which would then end with the process.
      await until(client, () => client.ids("message").length > round);
      expect(await rooms(url)).toContain("b");
      expect(await rooms(url)).not.toContain("a");
      const lost = next(client, "disconnect");
      await commands.killServer(url);
      await lost;
      await commands.reviveServer(url);
      await connected(client);
    }
    expect(client.got.filter(({ name }) => name === "message").map(({ value }) =>
      value.data.message
    )).toEqual([0, 1]);
  });

  test(`a default channel that was left stays left (${transport})`, async () => {
    const url = await serve({ DEFAULT_CHANNELS: "general" });
    const client = listen({ url, userId: "ann", transport, backoff: { min: 20 } });
    await connected(client);
    await client.leave("general");
    await commands.killServer(url);
    await until(client, () => client.status !== "connected");
    const leaving = client.leave("elsewhere"); // without a connection
    await commands.reviveServer(url);
    await leaving;
    expect(await rooms(url)).not.toContain("general");
  });
}

test("the next connection joins a channel whose join timed out, unless it was left", async () => {
  const url = await serve();
  const line = await network(url);
  await commands.setLine(line, "pass", false);
  const client = listen({ url: line, userId: "ann", timeout: 200, backoff: { min: 50, max: 100 } });
  await expect(client.join("wanted", "left")).rejects.toMatchObject({ code: "timeout" });
  await expect(client.leave("left")).rejects.toMatchObject({ code: "timeout" });
  await commands.setLine(line, "pass");
  await connected(client);
  expect(await rooms(url)).toContain("wanted");
  expect(await rooms(url)).not.toContain("left");
});

test("the next connection does not repeat a refused join", async () => {
  const url = await serve();
  const client = listen({ url, userId: "ann", backoff: { min: 20 } });
  await connected(client);
  const many = Array.from({ length: 1001 }, (_, n) => `c${n}`);
  await expect(client.join(...many)).rejects.toMatchObject({ code: "validation" });
  const again = next(client, "connected");
  client.reconnect();
  await again;
  expect((await rooms(url)).filter((room) => /^c\d/.test(room))).toEqual([]);
});
