// The replies of the server to the events of a client.

import { expect, test } from "vitest";
import type { Client } from "../../src/index.ts";
import { commands, connected, listen, next, serve, until } from "./server.ts";

/** The events of the contract, and their replies. */
const replies: [event: string, arg: unknown, reply: string][] = [
  ["ping", undefined, "pong"],
  ["custom-event", { n: 1 }, "custom-event-response"],
  ["subscribe", { channels: ["a"] }, "subscribed"],
  ["unsubscribe", { channels: ["a"] }, "unsubscribed"],
  ["join-room", "b", "room-joined"],
  ["leave-room", "b", "room-left"],
];

for (const shared of [false, true]) {
  test(`a reply has no id of a notification for another user (shared: ${shared})`, async () => {
    const url = await serve();
    const client = listen({ url, userId: "ann", shared, as: "event" });
    let renamed = 0;
    client.on("event", () => renamed++);
    await connected(client);
    for (const [event, arg, name] of replies) {
      const { id }: any = await commands.publish(url, {
        target: { user: "bob" },
        type: "note",
        data: null,
      });
      const reply = next(client, name);
      client.emit(event, arg);
      expect(await reply).toEqual({
        type: name,
        data: expect.anything(),
        timestamp: expect.any(String),
        metadata: {},
      });
      expect(client.lastId, "the reply moves the cursor").toBe(id);
    }
    expect(renamed, "`as` is for notifications").toBe(0);
  });
}

/** Opens tabs that share one connection. */
async function openTabs(
  options: { url: string; transport?: "sse" | "socket.io"; pingInterval?: number },
) {
  const tabs = [1, 2, 3].map(() => listen({ userId: "ann", shared: true, ...options }));
  for (const tab of tabs) await connected(tab);
  return tabs;
}

test("a reply reaches the tab that asked, and no other", async () => {
  const url = await serve({ RATE_LIMIT_INTERVAL: "0" });
  const tabs = await openTabs({ url });
  const count = (tab: (typeof tabs)[number]) => replies.map(([, , name]) => tab.ids(name).length);
  for (const [event, arg] of replies) for (const tab of tabs) tab.emit(event, arg);
  for (const tab of tabs) await until(tab, () => tab.ids("room-left").length > 0, "the last reply");
  for (const tab of tabs) expect(count(tab)).toEqual(replies.map(() => 1));
  // The same for the methods join, leave and ack.
  await Promise.all([tabs[0]!.ack("ping"), tabs[1]!.join("c"), tabs[2]!.ack("custom-event", {})]);
  await tabs[1]!.leave("c");
  await commands.publish(url, { target: { user: "ann" }, type: "end", data: null });
  for (const tab of tabs) await until(tab, () => tab.ids("end").length);
  expect(tabs.map(count)).toEqual([[2, 1, 1, 1, 1, 1], [1, 1, 2, 2, 1, 1], [1, 2, 1, 1, 1, 1]]);
});

test("replies to many tabs at once are not mixed up", async () => {
  const url = await serve({ RATE_LIMIT_INTERVAL: "0" });
  const tabs = await openTabs({ url });
  const joins: Promise<unknown>[] = [];
  for (let n = 0; n < 20; n++) {
    for (const [tab, client] of tabs.entries()) {
      client.emit("custom-event", { tab, n });
      client.emit("join-room", `user:${n}`); // refused
      joins.push(client.join(`${tab}-${n}`));
    }
  }
  await Promise.all(joins);
  for (const [tab, client] of tabs.entries()) {
    await until(
      client,
      () => client.ids("subscribed").length === 20 && client.ids("error").length === 20,
      "all replies",
    );
    const values = (name: string) =>
      client.got.filter((event) => event.name === name).map(({ value }) => value);
    expect(values("custom-event-response").map(({ data }) => [data.tab, data.n]))
      .toEqual(Array.from({ length: 20 }, (_, n) => [tab, n]));
    expect(values("subscribed").map(({ data }) => data.channels))
      .toEqual(Array.from({ length: 20 }, (_, n) => [`${tab}-${n}`]));
    expect(values("error").map(({ code }) => code)).toEqual(Array(20).fill("forbidden"));
  }
});

test("replies to the connection itself reach all tabs", async () => {
  const url = await serve({ RATE_LIMIT_INTERVAL: "0" });
  const tabs = await openTabs({ url, transport: "socket.io", pingInterval: 20 });
  for (const tab of tabs) await next(tab, "pong");
  const ids = (tab: Client & { ids(name: string): string[] }) => tab.ids("pong").length;
  const before = tabs.map(ids);
  for (let n = 0; n < 5; n++) tabs[1]!.emit("ping");
  await until(tabs[1]!, () => ids(tabs[1]!) >= before[1]! + 10);
  await until(tabs[2]!, () => ids(tabs[2]!) >= before[2]! + 5);
});

test("a refusal reaches only the tab that sent", async () => {
  const url = await serve();
  const tabs = await openTabs({ url, transport: "sse" });
  const refused = next(tabs[2]!, "error");
  tabs[2]!.emit("custom-event", {});
  expect(await refused).toMatchObject({ code: "unsupported" });
  await expect(tabs[1]!.send("user:bob", "hi")).rejects.toMatchObject({ code: "forbidden" });
  expect(tabs.map((tab) => tab.got.filter(({ name }) => name === "error").length)).toEqual([
    0,
    0,
    1,
  ]);
});
