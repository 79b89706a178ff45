// How tabs elect the leader of a shared connection, and what a change of the leader keeps.

import { expect, onTestFinished, test, vi } from "vitest";
import { watchLeader } from "../../src/shared/watch.ts";
import { commands, connected, listen, network, serve, until } from "./server.ts";
import { connections, nameOf, openTab } from "./tabs.ts";

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

for (const transport of ["socket.io", "sse"] as const) {
  test(`a leader whose connection is dead is replaced (${transport})`, async () => {
    const url = await serve();
    const line = await network(url);
    const options = { url: line, userId: "ann", shared: true, transport, pingInterval: 0 };
    const [one, two] = [listen(options), listen(options)];
    for (const tab of [one, two]) await connected(tab);
    const { clientId } = one;
    await commands.stallLine(line); // the leader runs, and hears nothing
    const id = await note(url);
    for (const tab of [one, two]) {
      await until(tab, () => tab.ids("note").includes(id));
      expect(tab.clientId).not.toBe(clientId);
    }
  });

  test(`a leader without events is asked, and stays (${transport})`, async () => {
    const url = await serve();
    const options = { url, userId: "ann", shared: true, transport, pingInterval: 0 };
    const [one, two] = [listen(options), listen(options)];
    for (const tab of [one, two]) await connected(tab);
    const { clientId } = one;
    const bus = new BroadcastChannel(await nameOf(options)), heard: string[] = [];
    onTestFinished(() => bus.close());
    bus.onmessage = ({ data: [what] }) => heard.push(what);
    await expect.poll(() => heard.filter((what) => what === "hello").length).toBeGreaterThan(2);
    expect(heard.filter((what) => what === "state").length).toBeGreaterThan(0);
    expect([one.clientId, two.clientId]).toEqual([clientId, clientId]);
    expect([...one.got, ...two.got].filter(({ name }) => name === "pong")).toEqual([]);
  });
}

/** Publishes a notification to ann. Resolves with its id. */
const note = async (url: string) =>
  ((await commands.publish(url, { target: { user: "ann" }, type: "note", data: null })) as any).id;

for (const [stop, back] of [["freeze", "resume"], ["pagehide", "pageshow"]] as const) {
  test(`a leader hands over before the browser stops its page (${stop})`, async () => {
    const url = await serve();
    const options = { url, userId: "ann", shared: true, backoff: { min: 20 } };
    const one = await openTab(options), two = listen(options);
    await connected(two);
    await one.tab.join("a");
    const { clientId } = two;
    one.stop(stop);
    await until(two, () => two.clientId !== clientId && two.status === "connected");
    expect((await connections(url)).map(({ rooms }: any) => rooms.includes("a"))).toEqual([true]);
    const ids = [await note(url)];
    await until(two, () => two.ids("note").length === 1);
    expect(one.tab.ids("note")).toEqual([]);
    one.run(back);
    await until(one.tab, () => one.tab.ids("note").length === 1); // it misses nothing
    ids.push(await note(url));
    for (const tab of [one.tab, two]) {
      await until(tab, () => tab.ids("note").length === 2);
      expect(tab.ids("note")).toEqual(ids);
    }
    await expect.poll(async () => (await connections(url)).length).toBe(1);
  });
}

test("a tab that replaces leaders again and again takes more time for it", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const asked: number[] = [], replaced: number[] = [];
  const watch = watchLeader(() => asked.push(Date.now()), () => replaced.push(Date.now()), 10_000);
  const waited = () => replaced.at(-1)! - asked.at(-1)!;
  for (const ms of [2500, 5000, 10_000]) {
    watch.doubt();
    vi.advanceTimersByTime(ms);
    expect(waited()).toBe(ms);
  }
  watch.doubt();
  vi.advanceTimersByTime(3000);
  watch.heard(); // the server is slow
  vi.advanceTimersByTime(2000 + 20_000);
  expect(waited()).toBe(20_000);
  watch.doubt();
  watch.heard();
  vi.advanceTimersByTime(2000 + 2500);
  expect(waited()).toBe(2500);
  watch.stop();
});

test("a tab whose page has stopped does not get the lead", async () => {
  const url = await serve();
  const options = { url, userId: "ann", shared: true, backoff: { min: 20 } };
  const one = listen(options);
  await connected(one);
  const two = await openTab(options), three = listen(options);
  for (const tab of [two.tab, three]) await connected(tab);
  two.stop("freeze"); // it stood for election before the third tab
  one.close();
  await until(three, () => three.status !== "connected");
  await connected(three);
  three.close();
  two.run("resume");
  await until(two.tab, () => two.tab.status !== "connected");
  await connected(two.tab);
});
