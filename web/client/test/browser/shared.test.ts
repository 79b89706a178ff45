import { expect, test } from "vitest";
import { commands, connected, listen, next, serve, until } from "./server.ts";

// Each client stands for a tab: a BroadcastChannel and a lock know no difference.

const connections = async (url: string) => ((await commands.api(url, "GET", "/v1/connections")).json as any).connections;

test("tabs share one connection, and hear the same", async () => {
  const url = await serve();
  const tabs = [1, 2, 3].map(() => listen({ url, userId: "ann", channels: ["orders"], shared: true }));
  for (const tab of tabs) await connected(tab);
  expect(await connections(url)).toHaveLength(1);
  expect(new Set(tabs.map(({ clientId }) => clientId)).size).toBe(1);
  const came = tabs.map((tab) => next(tab, "note"));
  const { id }: any = await commands.publish(url, { target: { channel: "orders" }, type: "note", data: { n: 1 } });
  for (const event of came) expect(await event).toMatchObject({ id, type: "note", data: { n: 1 } });
  for (const tab of tabs) expect(tab.lastId).toBe(id);
  const pong = tabs.map((tab) => next(tab, "pong"));
  tabs[2]!.emit("ping");
  await Promise.all(pong);
});

test("when the tab that leads goes, another goes on from the same id", async () => {
  const url = await serve({ HISTORY_SIZE: "1000" });
  const tabs = Array.from({ length: 3 }, () => listen({ url, userId: "ann", shared: true }));
  for (const tab of tabs) await connected(tab);
  const sent: string[] = [];
  const send = async (n: number) => {
    const batch = Array.from({ length: n }, (_, i) => ({ target: { user: "ann" }, type: "note", data: { i } }));
    for (const { id } of await commands.publish(url, batch) as any[]) sent.push(id);
  };
  await send(10);
  for (const tab of tabs) await until(tab, () => tab.ids("note").length === 10);
  const [leader, ...others] = tabs; // the first asked for the lock first
  const sending = send(50);
  leader!.close();
  expect(leader!.status).toBe("closed");
  await sending;
  await send(10);
  for (const tab of others) {
    await until(tab, () => tab.ids("note").length >= 70, "all that was sent");
    expect(tab.ids("note")).toEqual(sent);
    expect(tab.status).toBe("connected");
  }
  expect(await connections(url)).toHaveLength(1);
});

test("a tab hears its own channels only, and the next leader joins what any tab is in", async () => {
  const url = await serve();
  const tabs = [1, 2, 3].map(() => listen({ url, userId: "ann", shared: true, backoff: { min: 50 } }));
  for (const tab of tabs) await connected(tab);
  const [one, two, three] = tabs as [(typeof tabs)[0], (typeof tabs)[0], (typeof tabs)[0]];
  expect(await two.join("b", "user:x")).toEqual({ joined: ["b"], denied: ["user:x"] });
  await three.join("b", "c");
  const send = (channel: string, n: number) => commands.publish(url, { target: { channel }, type: channel, data: n });
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
  expect((await connections(url))[0].rooms).toContain("b"); // the other tab is still in it
  await send("b", 3);
  await until(two, () => two.ids("b").length === 3);
  await two.leave("b");
  expect((await connections(url))[0].rooms).not.toContain("b");
  expect([one, two, three].map((tab) => [tab.ids("b").length, tab.ids("c").length])).toEqual([[0, 0], [3, 0], [2, 2]]);
});

test("nothing is shared between users, or where the user is not known", async () => {
  const url = await serve();
  const ann = listen({ url, userId: "ann", shared: true }), bob = listen({ url, userId: "bob", shared: true });
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

test("a tab with a newer token mends what was refused for all", async () => {
  const secret = "a-secret-of-32-bytes-for-the-tests";
  const url = await serve({ JWT_SECRET: secret });
  const old = listen({ url, token: await commands.sign(secret, { sub: "ann" }, -600), shared: true });
  await until(old, () => old.status === "closed");
  const newer = listen({ url, token: await commands.sign(secret, { sub: "ann" }), shared: true });
  await connected(newer);
  await connected(old);
  expect(await connections(url)).toHaveLength(1);
});
