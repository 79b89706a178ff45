import { expect, onTestFinished, test, vi } from "vitest";
import type { Client, Options } from "../../src/index.ts";
import { commands, connected, listen, next, serve, until } from "./server.ts";

// Each client plays a tab. BroadcastChannel and Web Locks work within one page too.

/** Resolves with the name of the lock and the BroadcastChannel of tabs with these options. */
async function nameOf(options: Options): Promise<string> {
  const request = vi.spyOn(LockManager.prototype, "request"), tab = listen(options);
  await expect.poll(() => request.mock.calls.length).toBeGreaterThan(0);
  tab.close();
  const [[name]] = request.mock.calls as unknown as [[string]];
  request.mockRestore();
  return name;
}

const connections = async (url: string) =>
  ((await commands.api(url, "GET", "/v1/connections")).json as any).connections;

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

test("when the leader closes, another tab resumes from the same id", async () => {
  const url = await serve({ HISTORY_SIZE: "1000" });
  const tabs = Array.from({ length: 3 }, () => listen({ url, userId: "ann", shared: true }));
  for (const tab of tabs) await connected(tab);
  const sent: string[] = [];
  const send = async (n: number) => {
    const batch = Array.from(
      { length: n },
      (_, i) => ({ target: { user: "ann" }, type: "note", data: { i } }),
    );
    for (const { id } of await commands.publish(url, batch) as any[]) sent.push(id);
  };
  await send(10);
  for (const tab of tabs) await until(tab, () => tab.ids("note").length === 10);
  const [leader, ...others] = tabs; // the first tab requested the lock first
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

test("calls before there is a leader wait for one", async () => {
  const url = await serve({ RATE_LIMIT_INTERVAL: "0" });
  const tabs = [1, 2].map(() =>
    listen({ url, userId: "ann", shared: true, transport: "socket.io", pingInterval: 0 })
  );
  for (const [n, tab] of tabs.entries()) tab.emit("custom-event", { n });
  const joins = tabs.map((tab, n) => tab.join("all", `own ${n}`));
  const reply = tabs[1]!.ack("custom-event", { n: 2 });
  expect(await Promise.all(joins))
    .toEqual([0, 1].map((n) => ({ joined: ["all", `own ${n}`], denied: [] })));
  expect(await reply).toMatchObject({ n: 2 });
  for (const [n, tab] of tabs.entries())
    await until(tab, () => tab.ids("custom-event-response").length === n + 1);
});

test("the close of one tab does not close the others", async () => {
  const url = await serve();
  const tabs = [1, 2].map(() => listen({ url, userId: "ann", shared: true }));
  for (const tab of tabs) await connected(tab);
  const [one, two] = tabs as [(typeof tabs)[0], (typeof tabs)[0]];
  const reported: string[] = [];
  two.onStatus(({ status }) => reported.push(status));
  one.close();
  await until(two, () => reported.includes("connected"));
  expect(reported).toEqual(["reconnecting", "connected"]);
  expect(one.got.at(-1)).toMatchObject({ name: "disconnect", value: { reason: "closed" } });
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

test("another tab replaces a frozen leader", async () => {
  const url = await serve();
  const options = { url, userId: "ann", shared: true, timeout: 2000 };
  const name = await nameOf(options);
  // It holds the lock, and sends nothing.
  let lost = false;
  navigator.locks.request(name, () => new Promise(() => {})).catch(() => lost = true);
  const tabs = [1, 2].map(() => listen(options));
  for (const tab of tabs) await connected(tab);
  expect(lost).toBe(true);
  expect(await connections(url)).toHaveLength(1);
});

test("a leader that lost its lock follows the next one", async () => {
  const url = await serve();
  const names = vi.spyOn(LockManager.prototype, "request");
  onTestFinished(() => names.mockRestore());
  const tab = listen({ url, userId: "ann", shared: true, timeout: 2000 });
  await connected(tab);
  const name = names.mock.calls[0]![0];
  const release = await new Promise<() => void>((resolve) => {
    navigator.locks.request(name, { steal: true }, () => new Promise<void>((end) => resolve(end)))
      .catch(() => {});
  });
  await until(tab, () => tab.status === "reconnecting");
  release();
  await connected(tab);
  const { id }: any = await commands.publish(url, {
    target: { user: "ann" },
    type: "note",
    data: null,
  });
  await until(tab, () => tab.ids("note").includes(id));
  expect(await connections(url)).toHaveLength(1);
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

test("a closed tab does not lead when it gets the lock", async () => {
  const url = await serve();
  const grants: (() => unknown)[] = [];
  const late = vi.spyOn(LockManager.prototype, "request")
    .mockImplementation(((_: string, __: unknown, granted: () => Promise<unknown>) =>
      new Promise((resolve) => {
        grants.push(() => resolve(granted()));
      })) as any);
  onTestFinished(() => late.mockRestore());
  const tab = listen({ url, userId: "ann", shared: true });
  await expect.poll(() => grants.length).toBe(1);
  tab.close();
  tab.reconnect();
  expect(grants).toHaveLength(2);
  tab.close();
  for (const grant of grants) grant();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(tab.status).toBe("closed");
  expect(await connections(url)).toEqual([]);
});

test("a tab ignores notifications that the next leader replays", async () => {
  const url = await serve();
  const names = vi.spyOn(LockManager.prototype, "request");
  onTestFinished(() => names.mockRestore());
  const [one, two] = [1, 2].map(() => listen({ url, userId: "ann", shared: true })) as [
    ReturnType<typeof listen>,
    ReturnType<typeof listen>,
  ];
  await connected(two);
  const send = async () =>
    (await commands.publish(url, { target: { user: "ann" }, type: "note", data: null }) as any).id;
  const ids = [await send(), await send()];
  await until(two, () => two.ids("note").length === 2);
  const bus = new BroadcastChannel(names.mock.calls[0]![0]);
  onTestFinished(() => bus.close());
  for (const id of ids)
    bus.postMessage(["event", "note", { id, type: "note", data: null, metadata: {} }, id]);
  ids.push(await send());
  await until(two, () => two.lastId === ids[2]);
  expect(two.ids("note")).toEqual(ids);
  expect(one.ids("note")).toEqual(ids);
});

test("calls between two leaders wait for the second one", async () => {
  const url = await serve();
  const names = vi.spyOn(LockManager.prototype, "request");
  onTestFinished(() => names.mockRestore());
  const one = listen({ url, userId: "ann", shared: true });
  await connected(one);
  const name = names.mock.calls[0]![0];
  // The next holder of the lock, which does not lead.
  const between = new Promise<() => void>((granted) => {
    void navigator.locks.request(name, () => new Promise<void>((end) => granted(end)));
  });
  const two = listen({ url, userId: "ann", shared: true });
  await connected(two);
  const bus = new BroadcastChannel(name);
  onTestFinished(() => bus.close());
  const gone = new Promise<void>((resolve) =>
    bus.onmessage = ({ data }) => data[0] === "gone" && resolve()
  );
  one.close();
  await gone;
  const joining = two.join("a");
  (await between)();
  expect(await joining).toEqual({ joined: ["a"], denied: [] });
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

test("a silent leader is asked, and then replaced", async () => {
  const url = await serve();
  const options = { url, userId: "ann", shared: true };
  const name = await nameOf(options), bus = new BroadcastChannel(name), heard: string[] = [];
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  onTestFinished(() => bus.close());
  bus.onmessage = ({ data: [what] }) => {
    heard.push(what);
    if (heard.length === 1)
      bus.postMessage(["state", { status: "connected", clientId: "frozen", connection: {} }, []]);
  };
  await new Promise<void>((granted) => {
    navigator.locks.request(name, () => new Promise(() => granted())).catch(() => {});
  });
  const tab = listen(options);
  await connected(tab);
  expect(tab.clientId).toBe("frozen");
  vi.advanceTimersByTime(89_000);
  expect(heard).toEqual(["hello"]);
  vi.advanceTimersByTime(1000 + 10_000);
  await until(tab, () => tab.status === "connected" && tab.clientId !== "frozen");
  expect(heard.slice(0, 2)).toEqual(["hello", "hello"]);
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
  const url = await serve({ MAX_ROOMS: "2" });
  const [one, two] = [1, 2].map(() =>
    listen({ url, userId: "ann", shared: true, backoff: { min: 20 } })
  ) as unknown as [Client, Client];
  for (const tab of [one, two]) await connected(tab);
  expect(await one.join("a")).toEqual({ joined: ["a"], denied: [] }); // the other room is general
  expect(await two.join("b")).toEqual({ joined: [], denied: ["b"] });
  await one.leave("a");
  expect(await two.join("c")).toEqual({ joined: ["c"], denied: [] });
  const again = next(two, "connected");
  one.close();
  await again;
  expect((await connections(url))[0].rooms).toContain("c");
});
