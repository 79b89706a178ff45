import { expect, onTestFinished, test, vi } from "vitest";
import { commands, connected, listen, network, next, serve, until } from "./server.ts";

// The longest silence of a working server: the ping interval and timeout, or more than the 60 s of
// `sync`.
for (const [transport, silence] of [["socket.io", 85_000], ["sse", 90_000]] as const) {
  test(`the client gives up a silent connection over ${transport}, and misses nothing`, async () => {
    const url = await serve();
    const line = await network(url);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const client = listen({ url: line, userId: "ann", transport, pingInterval: 0 });
    // Without a deadline, because the timers are fake.
    const arrived = (name: string) => new Promise((resolve) => client.on(name, resolve));
    await arrived("connected");
    await commands.stallLine(line);
    const { id }: any = await commands.publish(url, {
      target: { user: "ann" },
      type: "note",
      data: null,
    });
    const lost = arrived("disconnect");
    vi.advanceTimersByTime(silence - 1000);
    expect(client.status).toBe("connected");
    vi.advanceTimersByTime(1000);
    expect(await lost).toEqual({ reason: "no sign of the server" });
    vi.useRealTimers();
    client.reconnect();
    await until(client, () => client.ids("note").includes(id));
  });
}

test("requests that lose their connection are rejected", async () => {
  const url = await serve();
  const line = await network(url);
  for (const transport of ["socket.io", "sse"] as const) {
    const client = listen({ url: line, userId: "ann", transport, backoff: { min: 20 } });
    await connected(client);
    await commands.stallLine(line);
    const sending = client.send("room", "lost?").catch((error) => error);
    await new Promise((resolve) => setTimeout(resolve)); // the request is under way
    await commands.setLine(line, "pass");
    expect(await sending).toMatchObject({ name: expect.stringMatching(/Error/) });
    await connected(client);
    client.close();
  }
});

/** Returns a function that reads the waits, in ms, from the debug output of clients. */
function watchWaits(): () => number[] {
  const debug = vi.spyOn(console, "debug").mockImplementation(() => {});
  onTestFinished(() => debug.mockRestore());
  return () =>
    debug.mock.calls.filter(([, what]) => what === "retry in").map(([, , ms]) => ms as number);
}

test("the wait between rounds doubles up to a bound, and up to half of it is random", async () => {
  const waits = watchWaits();
  const client = listen({
    url: "http://127.0.0.1:1",
    userId: "ann",
    backoff: { min: 20, max: 160 },
    debug: true,
  });
  await until(client, () => waits().length >= 8);
  expect(client.status).toBe("reconnecting");
  expect(client.error?.code).toBe("network");
  for (const [round, longest] of [20, 40, 80, 160, 160, 160, 160, 160].entries()) {
    expect(waits()[round]).toBeGreaterThanOrEqual(longest / 2);
    expect(waits()[round]).toBeLessThanOrEqual(longest);
  }
  expect(new Set(waits()).size).toBeGreaterThan(4);
});

test("the wait ends when the network is back", async () => {
  const client = listen({
    url: "http://127.0.0.1:1",
    userId: "ann",
    backoff: { min: 600_000, max: 600_000 },
  });
  await until(client, () => client.error);
  const again = new Promise((resolve) => client.onStatus(resolve));
  dispatchEvent(new Event("online"));
  await again;
});

test("the client follows the offline and online events of the browser", async () => {
  const url = await serve();
  for (const transport of ["socket.io", "sse"] as const) {
    const client = listen({ url, userId: "ann", transport, backoff: { min: 60_000 } });
    await connected(client);
    const lost = next(client, "disconnect");
    dispatchEvent(new Event("offline"));
    expect(await lost).toEqual({ reason: "offline" });
    expect(client.status).toBe("reconnecting");
    const { id }: any = await commands.publish(url, {
      target: { user: "ann" },
      type: "note",
      data: null,
    });
    dispatchEvent(new Event("online"));
    await until(client, () => client.ids("note").includes(id));
    client.close();
    dispatchEvent(new Event("offline"));
    dispatchEvent(new Event("online"));
    expect(client.status).toBe("closed");
  }
});

test("a page from the page cache reconnects", async () => {
  const url = await serve();
  const client = listen({ url, userId: "ann", backoff: { min: 60_000 } });
  await connected(client);
  dispatchEvent(new PageTransitionEvent("pageshow"));
  expect(client.status).toBe("connected");
  dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  expect(client.status).toBe("reconnecting");
  await connected(client);
});

test("clients that lose a server together reconnect at different times", async () => {
  const waits = watchWaits();
  const clients = Array.from(
    { length: 20 },
    () => listen({ url: "http://127.0.0.1:1", userId: "ann", transport: "socket.io", debug: true }),
  );
  // After the first wait began.
  for (const client of clients) client.onStatus(() => client.error && client.close());
  for (const client of clients) await until(client, () => client.status === "closed");
  expect(waits()).toHaveLength(20);
  for (const ms of waits()) expect(ms >= 500 && ms <= 1000).toBe(true);
  expect(Math.max(...waits()) - Math.min(...waits())).toBeGreaterThan(150);
});

test("an attempt under way continues when the network is back", async () => {
  let opened = 0;
  class Silent extends EventTarget {
    constructor() {
      super();
      if (opened++ === 0) setTimeout(() => (this as any).onclose({ reason: "" }));
    }

    close() {}
  }
  const client = listen({
    url: "http://127.0.0.1:1",
    userId: "ann",
    transport: "socket.io",
    backoff: { min: 1 },
    WebSocket: Silent as any,
  });
  await until(client, () => client.error);
  await expect.poll(() => opened).toBe(2);
  for (const event of ["online", "pageshow"]) dispatchEvent(new Event(event));
  expect(opened).toBe(2);
});
