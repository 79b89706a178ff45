// A program in Node 20, which has neither WebSocket nor EventSource, so the options provide them.

import { EventSource } from "eventsource";
import { expect, onTestFinished, test } from "vitest";
import WebSocket from "ws";
import { Server } from "../../../e2e/harness.mjs";
import { connect, type Client } from "../../src/index.ts";

const connected = (client: Client) =>
  new Promise<void>((resolve) => client.onStatus(() => client.status === "connected" && resolve()));

for (const transport of ["socket.io", "sse"] as const) {
  test(`a program connects by ${transport} with the implementations in its options`, async () => {
    const server = await Server.run();
    onTestFinished(() => server.stop());
    const client = connect({
      url: server.url,
      userId: "job",
      transport,
      WebSocket: WebSocket as any,
      EventSource: EventSource as any,
    });
    onTestFinished(() => client.close());
    await connected(client);
    const came = new Promise((resolve) => client.on("note", resolve));
    const { id } = await server.publish({ target: { user: "job" }, type: "note", data: 1 });
    expect(await came).toMatchObject({ id, data: 1 });
  });
}

test("without them, the error names what is missing", async () => {
  const client = connect({
    url: "http://127.0.0.1:1",
    userId: "job",
    transport: "sse",
    WebSocket: undefined,
    EventSource: undefined,
  });
  onTestFinished(() => client.close());
  await new Promise<void>((resolve) => client.onStatus(() => client.error && resolve()));
  expect(client.error).toMatchObject({ code: "unsupported", message: "no EventSource here" });
});

test("the program keeps running without a server", async () => {
  for (const transport of ["socket.io", "sse", "auto"] as const) {
    const client = connect({
      url: "http://127.0.0.1:1",
      userId: "job",
      transport,
      WebSocket: WebSocket as any,
      EventSource: EventSource as any,
    });
    await new Promise<void>((resolve) => client.onStatus(() => client.error && resolve()));
    expect(client.error).toMatchObject({ code: "network" });
    client.reconnect();
    client.close(); // during an attempt
  }
});
