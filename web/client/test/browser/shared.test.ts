// Tabs with one connection: events, channels, refusals and closes.

import { expect, onTestFinished, test, vi } from "vitest";
import type { Client } from "../../src/index.ts";
import { commands, connected, listen, next, serve, until } from "./server.ts";
import { connections } from "./tabs.ts";

test("tabs share one connection and receive the same notifications", async () => {
  const url = await serve();
  const tabs = [1, 2, 3].map(() =>
    listen({ url, userId: "ann", channels: ["orders"], shared: true })
  );
  for (const tab of tabs) await connected(tab);
  expect(await connections(url)).toHaveLength(1);
  expect(new Set(tabs.map(({ clientId }) => clientId)).size).toBe(1);
  const came = tabs.map((tab) => next(tab, "note"));
  const { id }: any = await commands.publish(url, {
    target: { channel: "orders" },
    type: "note",
    data: { n: 1 },
  });
  for (const event of came) expect(await event).toMatchObject({ id, type: "note", data: { n: 1 } });
  for (const tab of tabs) expect(tab.lastId).toBe(id);
  const pong = next(tabs[2]!, "pong");
  tabs[2]!.emit("ping");
  expect((await pong).data.clientId).toBe(tabs[2]!.clientId);
});

test("a tab receives its own channels only; the next leader joins those of all tabs", async () => {
  const url = await serve();
  const tabs = [1, 2, 3].map(() =>
    listen({ url, userId: "ann", shared: true, backoff: { min: 50 } })
  );
  for (const tab of tabs) await connected(tab);
  const [one, two, three] = tabs as [(typeof tabs)[0], (typeof tabs)[0], (typeof tabs)[0]];
  expect(await two.join("b", "user:x")).toEqual({ joined: ["b"], denied: ["user:x"] });
  await three.join("b", "c");
  const send = (channel: string, n: number) =>
    commands.publish(url, { target: { channel }, type: channel, data: n });
  await send("b", 1);
  await send("c", 1);
  await until(three, () => three.ids("c").length === 1);
  expect([two.ids("b").length, three.ids("b").length]).toEqual([1, 1]);
  one.close();
  await until(two, () => two.status !== "connected");
  await connected(two);
  await connected(three);
  await send("b", 2);
  await send("c", 2);
  await until(three, () => three.ids("c").length === 2);
  await three.leave("b");
  expect((await connections(url))[0].rooms).toContain("b"); // another tab is still in it
  await send("b", 3);
  await until(two, () => two.ids("b").length === 3);
  await two.leave("b");
  expect((await connections(url))[0].rooms).not.toContain("b");
  expect([one, two, three].map((tab) => [tab.ids("b").length, tab.ids("c").length])).toEqual([
    [0, 0],
    [3, 0],
    [2, 2],
  ]);
});

test("tabs of different or unknown users do not share", async () => {
  const url = await serve();
  const ann = listen({ url, userId: "ann", shared: true }),
    bob = listen({ url, userId: "bob", shared: true });
  await connected(ann);
  await connected(bob);
  expect(ann.clientId).not.toBe(bob.clientId);
  const nobody = [1, 2].map(() => listen({ url, transport: "sse", shared: true }));
  for (const client of nobody) await connected(client);
  expect(await connections(url)).toHaveLength(4);
});

test("a refusal reaches every tab, with its code", async () => {
  const url = await serve({ JWT_SECRET: "a-secret-of-32-bytes-for-the-tests" });
  const token = `x.${btoa(JSON.stringify({ sub: "ann" }))}.x`;
  const tabs = [1, 2].map(() => listen({ url, token, shared: true }));
  for (const tab of tabs) await until(tab, () => tab.status === "closed");
  for (const tab of tabs) expect(tab.error?.code).toBe("invalid_token");
});

test("a tab with a newer token reconnects all tabs after a refusal", async () => {
  const secret = "a-secret-of-32-bytes-for-the-tests";
  const url = await serve({ JWT_SECRET: secret });
  const old = listen({
    url,
    token: await commands.sign(secret, { sub: "ann" }, -600),
    shared: true,
  });
  await until(old, () => old.status === "closed");
  const newer = listen({ url, token: await commands.sign(secret, { sub: "ann" }), shared: true });
  await connected(newer);
  await connected(old);
  expect(await connections(url)).toHaveLength(1);
});

test("a tab that opens later gets the event connected", async () => {
  const url = await serve();
  const one = listen({ url, userId: "ann", shared: true });
  await connected(one);
  const two = listen({ url, userId: "ann", shared: true });
  expect(await next(two, "connected")).toMatchObject({ clientId: one.clientId });
  expect(two.ids("connected")).toHaveLength(1);
  expect(one.ids("connected")).toHaveLength(1);
});

test("a closed tab that reconnects joins its channels again", async () => {
  const url = await serve();
  const tab = listen({ url, userId: "ann", shared: true });
  await tab.join("later");
  tab.close();
  tab.reconnect();
  await connected(tab);
  expect((await connections(url))[0].rooms).toContain("later");
});

test("without locks each tab has its own connection", async () => {
  const url = await serve();
  const refuse = vi.spyOn(LockManager.prototype, "request")
    .mockRejectedValue(new DOMException("a sandboxed frame", "SecurityError"));
  onTestFinished(() => refuse.mockRestore());
  const tab = listen({ url, userId: "ann", shared: true });
  await connected(tab);
});

test("what a tab sends through the leader is encoded as JSON", async () => {
  const url = await serve();
  const tabs = [1, 2].map(() => listen({ url, userId: "ann", shared: true, channels: ["a"] }));
  for (const tab of tabs) await connected(tab);
  class Price {
    constructor(readonly cents: number) {}
    toJSON() {
      return `${this.cents} cents`;
    }
  }
  await tabs[1]!.send("a", new Proxy({ price: new Price(5), call() {} }, {}));
  await until(tabs[1]!, () => tabs[1]!.ids("message").length);
  expect(tabs[1]!.got.find(({ name }) => name === "message")!.value.data.message).toEqual({
    price: "5 cents",
  });
});

test("a new tab reconnects closed tabs", async () => {
  const url = await serve();
  const one = listen({ url, userId: "ann", shared: true });
  await connected(one);
  await commands.api(url, "DELETE", "/v1/users/ann/connections");
  await until(one, () => one.status === "closed");
  const two = listen({ url, userId: "ann", shared: true });
  await connected(two);
  await connected(one);
});

test("a tab in the page cache keeps its channels, a tab that ends does not", async () => {
  const url = await serve();
  const [one, two] = [1, 2].map(() => listen({ url, userId: "ann", shared: true })) as [
    ReturnType<typeof listen>,
    ReturnType<typeof listen>,
  ];
  await connected(two);
  await two.join("a");
  const rooms = async () => (await connections(url))[0].rooms;
  const add = vi.spyOn(globalThis, "addEventListener");
  const three = listen({ url, userId: "ann", shared: true });
  const find = () =>
    add.mock.calls.find(([event]) => event === "pagehide")?.[1] as (event: object) => void;
  await expect.poll(find).toBeDefined();
  const away = find();
  add.mockRestore();
  await three.join("b");
  away({ persisted: true });
  await one.join("c"); // later on the same BroadcastChannel
  expect(await rooms()).toEqual(expect.arrayContaining(["a", "b", "c"]));
  away({ persisted: false });
  await expect.poll(rooms).not.toContain("b");
  expect(await rooms()).toContain("a");
});

test("a disconnect by the server closes all tabs", async () => {
  const url = await serve();
  const tabs = [1, 2, 3].map(() =>
    listen({ url, userId: "ann", shared: true, backoff: { min: 20 } })
  );
  for (const tab of tabs) await connected(tab);
  await commands.api(url, "DELETE", "/v1/users/ann/connections");
  for (const tab of tabs) await until(tab, () => tab.status === "closed");
  await new Promise((resolve) => setTimeout(resolve, 100)); // nothing must happen in this time
  for (const tab of tabs) expect([tab.status, tab.error?.code]).toEqual(["closed", "disconnected"]);
  tabs[2]!.reconnect();
  for (const tab of tabs) await connected(tab);
  expect(await connections(url)).toHaveLength(1);
});

test("a tab that closes while the code is loading connects only after reconnect()", async () => {
  const url = await serve();
  const tab = listen({ url, userId: "ann", shared: true });
  const joining = tab.join("a"), events: unknown[] = [];
  tab.on("error", ({ code }) => events.push(code));
  for (let n = 0; n < 21; n++) tab.emit("custom-event", { n });
  expect(events).toEqual(["unavailable"]);
  tab.close();
  expect([tab.status, tab.emit("custom-event")]).toEqual(["closed", false]);
  await expect(joining).rejects.toMatchObject({ code: "closed" });
  await expect(tab.join("a")).rejects.toMatchObject({ code: "closed" });
  expect(await connections(url)).toEqual([]);
  tab.reconnect();
  expect(tab.status).toBe("connecting");
  await tab.join("b");
  expect((await connections(url))[0].rooms).toContain("b");
});

test("a channel that all tabs leave at the same time is left", async () => {
  const url = await serve();
  const tabs = [1, 2, 3].map(() => listen({ url, userId: "ann", shared: true }));
  for (const tab of tabs) await connected(tab);
  for (const leaving of [tabs, tabs.slice(1)]) { // with and without the leader
    await Promise.all(leaving.map((tab) => tab.join("a")));
    await Promise.all(leaving.map((tab) => tab.leave("a")));
    expect((await connections(url))[0].rooms).not.toContain("a");
  }
});

test("a channel that one tab leaves while another joins it stays joined", async () => {
  const url = await serve();
  const [one, two, three] = [1, 2, 3].map(() =>
    listen({ url, userId: "ann", shared: true })
  ) as unknown as [Client, Client, Client];
  for (const tab of [one, two, three]) await connected(tab);
  await two.join("a");
  await Promise.all([two.leave("a"), three.join("a")]);
  expect((await connections(url))[0].rooms).toContain("a");
  await Promise.all([three.leave("a"), one.join("a")]);
  expect((await connections(url))[0].rooms).toContain("a");
});

test("a denied join of one tab does not change the channels of the others", async () => {
  const url = await serve({ MAX_ROOMS: "1" }); // besides general
  const [one, two] = [1, 2].map(() =>
    listen({ url, userId: "ann", shared: true, backoff: { min: 20 } })
  ) as unknown as [Client, Client];
  for (const tab of [one, two]) await connected(tab);
  expect(await one.join("a")).toEqual({ joined: ["a"], denied: [] });
  expect(await two.join("b")).toEqual({ joined: [], denied: ["b"] });
  await one.leave("a");
  expect(await two.join("c")).toEqual({ joined: ["c"], denied: [] });
  const again = next(two, "connected");
  one.close();
  await again;
  expect((await connections(url))[0].rooms).toContain("c");
});
