// How tabs elect the leader of a shared connection, and what a change of the leader keeps.

import { expect, onTestFinished, test, vi } from "vitest";
import { commands, connected, listen, serve, until } from "./server.ts";
import { connections, nameOf } from "./tabs.ts";

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
