// When a call of the backend functions tries again, how long it waits, and that it sends once.

import { expect, onTestFinished, test, vi } from "vitest";
import { type Behaviour, Front } from "./support/front.ts";
import { backendOf, openReader, startServer } from "./support/server.ts";

const pay = ["p_81", "completed", { customerId: "ann", amount: 9.99 }] as const;

/** Returns a refusal in the form of the server. */
const refusal = (status: number, code: string, headers: Record<string, string> = {}): Behaviour => ({
  status,
  headers: { "Content-Type": "application/problem+json", ...headers },
  body: JSON.stringify({ type: "about:blank", title: "", status, code, detail: "of the server" }),
});
const unavailable = refusal(503, "unavailable");

test.each<[string, Behaviour[]]>([
  ["the server is unavailable at first", [unavailable]],
  ["the line breaks before the server receives it", ["break"]],
  ["the answer is lost", ["swallow", "swallow"]],
  ["the server does not answer in time", ["hang"]],
  ["a proxy answers in place of the server", [{ status: 502, body: "<html>Bad Gateway" }]],
])("a notification is sent once when %s", async (_, behaviours) => {
  const server = await startServer();
  const front = await Front.of(server);
  front.next = [...behaviours];
  // An attempt that hangs takes half of it.
  const backend = backendOf(front.url, { timeout: 16_000 });
  const ann = await openReader(server, { userId: "ann" });
  expect(await backend.sendPaymentNotification(...pay)).toBe(1);
  expect(await backend.notifyUser("ann", "end")).toBe(1);
  expect((await ann.next()).type).toBe("payment:completed");
  expect((await ann.next()).data).toEqual({ message: "end" });
  expect(backend.faults.lines).toEqual([]);
  const keys = front.requests.map(({ headers }) => headers["idempotency-key"]);
  expect(keys).toHaveLength(behaviours.length + 2);
  expect(new Set(keys).size).toBe(2); // one for all attempts of a call
});

test("all attempts send the data of the call, even if the object changes", async () => {
  const server = await startServer();
  const front = await Front.of(server);
  front.next = ["swallow"];
  const backend = backendOf(front.url);
  const ann = await openReader(server, { userId: "ann" });
  const payment = { customerId: "ann", items: ["book"] };
  const sent = backend.sendPaymentNotification("p_81", "completed", payment);
  payment.items.pop(); // the server refuses other data with the same key
  expect(await sent).toBe(1);
  expect(backend.faults.lines).toEqual([]);
  expect((await ann.next()).data.items).toEqual(["book"]);
  expect(front.requests).toHaveLength(2);
});

test("a call waits as long as the server asks, if there is time", async () => {
  const server = await startServer();
  const front = await Front.of(server);
  const backend = backendOf(front.url, { timeout: 30_000 });
  front.next = [refusal(503, "unavailable", { "Retry-After": "1" })];
  const start = performance.now();
  expect(await backend.SSEManager.isUserOnline("ann")).toBe(false);
  expect(performance.now() - start).toBeGreaterThanOrEqual(1000);
  expect(backend.faults.errors).toEqual([]);
  front.next = [refusal(429, "rate_limited", { "Retry-After": "60" })];
  expect(await backend.SSEManager.isUserOnline("ann")).toBe(false);
  expect(backend.faults.errors).toEqual([{
    code: "rate_limited",
    status: 429,
    field: undefined,
    function: "SSEManager.isUserOnline",
    attempt: 1,
  }]);
});

test("a call waits until the time in Retry-After", async () => {
  const server = await startServer();
  const front = await Front.of(server);
  const { faults, SSEManager } = backendOf(front.url, { timeout: 30_000 });
  const start = Date.now(), until = new Date(start + 2000); // the header has whole seconds
  front.next = [refusal(503, "unavailable", { "Retry-After": until.toUTCString() })];
  expect(await SSEManager.isUserOnline("ann")).toBe(false);
  expect(Date.now() - start).toBeGreaterThanOrEqual(1000);
  expect(faults.errors).toEqual([]);
});

test("the pauses between attempts grow, and are random", async () => {
  const timers = vi.spyOn(globalThis, "setTimeout");
  onTestFinished(() => timers.mockRestore());
  const pauses = await Promise.all(Array.from({ length: 10 }, async () => {
    const mine: number[] = [];
    const { SSEManager } = backendOf("http://127.0.0.1:9", {
      retries: 3,
      fetch: async () => {
        mine.push(performance.now());
        throw new TypeError("down");
      },
    });
    await SSEManager.isUserOnline("ann");
    return mine.slice(1).map((time, i) => time - mine[i]!);
  }));
  for (const [one, two, three] of pauses) {
    expect(one).toBeGreaterThanOrEqual(49);
    expect(two).toBeGreaterThanOrEqual(99);
    expect(three).toBeGreaterThanOrEqual(199);
  }
  // As asked for: on a busy machine many timers end at the same time.
  const first = timers.mock.calls.map(([, ms]) => ms!).filter((ms) => ms >= 50 && ms < 100);
  expect(first.length).toBeGreaterThanOrEqual(10);
  expect(new Set(first).size).toBeGreaterThan(3);
});

test("the last attempt takes all the time that is left", async () => {
  const given: number[] = [];
  const timeout = vi.spyOn(AbortSignal, "timeout").mockImplementation((
    ms,
  ) => (given.push(ms), new AbortController().signal));
  onTestFinished(() => timeout.mockRestore());
  const down = async () => {
    throw new TypeError("down");
  };
  await backendOf("http://127.0.0.1:9", { timeout: 300_000, fetch: down }).SSEManager
    .isUserOnline("ann");
  expect(given).toHaveLength(3);
  expect(given[0]).toBeLessThanOrEqual(150_000);
  expect(given[2]).toBeGreaterThan(200_000);
});
