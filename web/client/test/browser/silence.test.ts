import { expect, onTestFinished, test, vi } from "vitest";
import { commands, connected, listen, network, next, serve, until } from "./server.ts";

test("a websocket that goes dead without a word is given up, and nothing is missed", async () => {
  const url = await serve({ SOCKETIO_PING_INTERVAL: "200ms", SOCKETIO_PING_TIMEOUT: "300ms" });
  const line = await network(url);
  const client = listen({ url: line, userId: "ann", transport: "socket.io", timeout: 500, backoff: { min: 20 } });
  await connected(client);
  const lost = next(client, "disconnect");
  await commands.stallLine(line);
  const { id }: any = await commands.publish(url, { target: { user: "ann" }, type: "note", data: null });
  expect(await lost).toEqual({ reason: "no sign of the server" });
  await until(client, () => client.ids("note").includes(id));
});

test("so is a stream, after the silence that the server never keeps", async () => {
  const url = await serve();
  const line = await network(url);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const client = listen({ url: line, userId: "ann", transport: "sse" });
  const arrived = (name: string) => new Promise((resolve) => client.on(name, resolve));
  await arrived("connected");
  await commands.stallLine(line);
  const lost = arrived("disconnect");
  vi.advanceTimersByTime(89_000);
  expect(client.status).toBe("connected");
  vi.advanceTimersByTime(1000);
  expect(await lost).toEqual({ reason: "no sign of the server" });
});

test("requests that lose their connection are rejected", async () => {
  const url = await serve();
  const line = await network(url);
  for (const transport of ["socket.io", "sse"] as const) {
    const client = listen({ url: line, userId: "ann", transport, timeout: 5000, backoff: { min: 20 } });
    await connected(client);
    await commands.stallLine(line);
    const sending = client.send("room", "lost?").catch((error) => error);
    await new Promise((resolve) => setTimeout(resolve)); // it is on its way
    await commands.setLine(line, "pass");
    expect(await sending).toMatchObject({ name: expect.stringMatching(/Error/) });
    await connected(client);
    client.close();
  }
});

test("the wait between attempts grows, is never the same, and ends when the network is back", async () => {
  const client = listen({ url: "http://127.0.0.1:1", userId: "ann", backoff: { min: 20, max: 160 } });
  const starts: number[] = [];
  client.onStatus(({ error }) => error && starts.push(performance.now()));
  await until(client, () => starts.length >= 8);
  const waits = starts.slice(1).map((at, i) => at - starts[i]!);
  expect(client.status).toBe("reconnecting");
  expect(client.error?.code).toBe("network");
  expect(waits.at(-1)!).toBeGreaterThan(2 * waits[0]!);
  expect(new Set(waits.map(Math.round)).size).toBeGreaterThan(2);
  client.close();

  const slow = listen({ url: "http://127.0.0.1:1", userId: "ann", backoff: { min: 60_000 } });
  await until(slow, () => slow.error);
  const again = new Promise((resolve) => slow.onStatus(resolve));
  dispatchEvent(new Event("online"));
  await again;
});

test("a browser that goes offline has lost its connection, and says when it is back", async () => {
  const url = await serve();
  for (const transport of ["socket.io", "sse"] as const) {
    const client = listen({ url, userId: "ann", transport, backoff: { min: 60_000 } });
    await connected(client);
    const lost = next(client, "disconnect");
    dispatchEvent(new Event("offline"));
    expect(await lost).toEqual({ reason: "offline" });
    expect(client.status).toBe("reconnecting");
    const { id }: any = await commands.publish(url, { target: { user: "ann" }, type: "note", data: null });
    dispatchEvent(new Event("online"));
    await until(client, () => client.ids("note").includes(id));
    client.close();
    dispatchEvent(new Event("offline"));
    dispatchEvent(new Event("online"));
    expect(client.status).toBe("closed");
  }
});

test("a page that comes back from the browser's cache connects anew, for its connection did not stay", async () => {
  const url = await serve();
  const client = listen({ url, userId: "ann", backoff: { min: 60_000 } });
  await connected(client);
  dispatchEvent(new PageTransitionEvent("pageshow"));
  expect(client.status).toBe("connected");
  dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  expect(client.status).toBe("reconnecting");
  await connected(client);
});

test("clients that lose a server together come back spread", async () => {
  const debug = vi.spyOn(console, "debug").mockImplementation(() => {});
  onTestFinished(() => debug.mockRestore());
  const waits = () => debug.mock.calls.filter(([, what]) => what === "retry in").map(([, , ms]) => ms as number);
  const clients = Array.from({ length: 20 }, () => listen({ url: "http://127.0.0.1:1", userId: "ann", transport: "socket.io", debug: true }));
  for (const client of clients) client.onStatus(() => client.error && client.close()); // after the first
  for (const client of clients) await until(client, () => client.status === "closed");
  expect(waits()).toHaveLength(20);
  for (const ms of waits()) expect(ms >= 500 && ms <= 1000).toBe(true);
  expect(Math.max(...waits()) - Math.min(...waits())).toBeGreaterThan(150);
});

test("an attempt that is on its way is left alone when the network is back", async () => {
  let opened = 0;
  class Silent extends EventTarget {
    constructor() {
      super();
      if (opened++ === 0) setTimeout(() => (this as any).onclose({ reason: "" }));
    }

    close() {}
  }
  const client = listen({ url: "http://127.0.0.1:1", userId: "ann", transport: "socket.io", backoff: { min: 1 }, WebSocket: Silent as any });
  await until(client, () => client.error);
  await expect.poll(() => opened).toBe(2);
  for (const event of ["online", "pageshow"]) dispatchEvent(new Event(event));
  expect(opened).toBe(2);
});
