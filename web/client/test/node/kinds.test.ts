// Every function of the catalogue, with a real server and a real EventSource.

import { beforeAll, beforeEach, expect, test } from "vitest";
import type { Server } from "../../../e2e/harness.mjs";
import { cases, metadata } from "./support/cases.ts";
import { backendOf, nobodyLeft, openReader, serverForAll } from "./support/server.ts";

let server: Server;
beforeAll(serverForAll((started) => {
  server = started;
}));
beforeEach(() => nobodyLeft(server)); // sends to all count the connections

test.each(Object.entries(cases))("%s", async (_, { send, channel, ...expected }) => {
  const backend = backendOf(server.url);
  const member = await openReader(
    server,
    channel === undefined ? { userId: "ann" } : { userId: "bob", channels: channel },
  );
  expect(await send(backend)).toBe(1);
  expect(backend.faults.lines).toEqual([]);
  const { id, timestamp, ...got } = await member.next();
  expect(got).toEqual({
    type: expected.type,
    data: { ...expected.data, metadata: expected.metadata },
    metadata: { ...expected.metadata, ...(channel !== undefined && { channel }) },
  });
  expect(id).toMatch(/^[0-9a-f]{8}-\d+$/);
  expect(Date.parse(timestamp)).toBeGreaterThan(0);
});

test("metadata in data becomes that of the notification; options are passed on", async () => {
  const backend = backendOf(server.url);
  const ann = await openReader(server, { userId: "ann" });
  const other = await openReader(server, { userId: "ann" });
  const options = { except: [other.clientId], ttl: "1m", idempotencyKey: "payment-81" };
  const send = () =>
    backend.sendPaymentNotification(
      "p_81",
      "failed",
      { customerId: "ann", metadata: { priority: "low", trace: { id: 7 } } },
      undefined,
      undefined,
      options,
    );
  expect(await send()).toBe(1);
  expect(await send()).toBe(1); // the same answer
  expect(await backend.sendCustomNotification("end", {}, "user", "ann", { volatile: true }))
    .toBe(2);
  const first = await ann.next();
  expect(first.metadata).toEqual({
    category: "payment",
    priority: "low",
    source: "webhook",
    trace: { id: 7 },
  });
  expect(first.data.metadata).toEqual(first.metadata);
  expect(await ann.next()).toMatchObject({ type: "end", data: {} });
  expect(await other.next()).toMatchObject({ type: "end" });
});

test("data may be left out, or be an object of a class", async () => {
  const { faults, ...backend } = backendOf(server.url);
  const ann = await openReader(server, { userId: "ann" });
  await (backend as any).sendWebhookNotification("empty");
  await (backend as any).sendWebhookNotification("null", null);
  class Row {
    #fields = { sku: "a-7" };
    toJSON() {
      return this.#fields;
    }
  }
  await backend.sendWebhookNotification("row", new Row());
  const own = metadata("webhook", "normal", "webhook");
  for (const data of [{}, {}, { sku: "a-7" }])
    expect((await ann.next()).data).toEqual({ ...data, metadata: own });
  expect(faults.lines).toEqual([]);
});

test("each target reaches its connections, and resolves with its own result", async () => {
  const { sendWebhookNotification: send } = backendOf(server.url);
  const ann = await openReader(server, { userId: "ann", channels: "news" });
  const bob = await openReader(server, { userId: "bob", channels: "news" });
  expect(await send("a", {}, "client", bob.clientId)).toBe(true);
  expect(await send("b", {}, "client", "nobody")).toBe(false);
  expect(await send("c", {}, "user", "ann")).toBe(1);
  expect(await send("d", {}, "user", "nobody")).toBe(0);
  expect(await send("e", {}, "channel", "news")).toBe(2);
  expect(await send("f", {}, "all")).toBe(2);
  const types = async (reader: typeof ann, n: number) => {
    const list = [];
    while (list.length < n) list.push((await reader.next()).type);
    return list;
  };
  expect(await types(ann, 3)).toEqual(["c", "e", "f"]);
  expect(await types(bob, 3)).toEqual(["a", "e", "f"]);
});
