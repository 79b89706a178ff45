// A state of a backend, kept up to date by notifications: nothing falls between the two.

import { act, render, renderHook, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { expect, expectTypeOf, test, vi } from "vitest";
import { connect, live } from "../../src/index.ts";
import { RoomcastProvider, useLive, useSocket, type LiveHookOptions } from "../../src/react/index.ts";
import { commands, complained, opened, serve, soon } from "./harness.ts";
import { within } from "./within.tsx";

/** A backend with a set of numbers: it writes one down, then publishes it. */
function backendAt(url: string) {
  const numbers = new Set<number>();
  const publish = (n: number, type = "added", more = {}) =>
    commands.publish(url, { target: { channel: "numbers" }, type, data: n, ...more });
  return {
    numbers,
    publish,
    add(n: number) {
      numbers.add(n);
      return publish(n);
    },
    read: vi.fn(async (_: { signal: AbortSignal }) => [...numbers]),
  };
}

const reducers = { added: (all: number[], n: number) => [...new Set([...all, n])] };
const sorted = (all?: readonly number[]) => [...all ?? []].sort((a, b) => a - b);
const fast = { channels: ["numbers"], backoff: { min: 20, max: 50 } };

for (const transport of ["sse", "socket.io"] as const) {
  test(`while a backend publishes, the state is complete over ${transport}`, async () => {
    const url = await serve(), backend = backendAt(url);
    await backend.add(0);
    let done = false, n = 1;
    const publishing = (async () => {
      while (!done) await backend.add(n++);
    })();
    const { result } = renderHook(() =>
      useLive(backend.read, reducers, {
        ...fast,
        connection: { url, userId: "ann", transport },
      })
    );
    expect(result.current).toMatchObject({ data: undefined, isLoading: true, isLive: false });
    await soon(() => expect(result.current.isLive).toBe(true));
    await soon(() => expect(result.current.data!.length).toBeGreaterThan(20));
    done = true;
    await publishing;
    await soon(() => expect(sorted(result.current.data)).toEqual(sorted([...backend.numbers])));
    expect(result.current).toMatchObject({ error: undefined, isLoading: false });
  });
}

test("what was published before the state was read is not applied", async () => {
  const url = await serve(), backend = backendAt(url);
  let release = (_: number[]) => {};
  backend.read.mockImplementation(() => new Promise((resolve) => release = resolve));
  const count = { added: (all: number[], n: number) => [...all, n] };
  const { result } = renderHook(() => useLive(backend.read, count, fast), { wrapper: within(url) });
  await soon(() => {
    expect(result.current.status).toBe("connected");
    expect(backend.read).toHaveBeenCalled();
  });
  await backend.add(1);
  await act(async () => release([]));
  await soon(() => expect(result.current.data).toEqual([1])); // it came after the position
  const reads = backend.read.mock.calls.length, { signal } = backend.read.mock.lastCall![0];
  await backend.add(2);
  const again = result.current.refetch();
  await soon(() => expect(backend.read).toHaveBeenCalledTimes(reads + 1));
  await backend.add(3);
  await soon(() => expect(result.current.data).toEqual([1, 2, 3])); // applied meanwhile
  await act(async () => {
    release([1, 2]);
    await again;
  });
  await soon(() => expect(result.current.data).toEqual([1, 2, 3])); // 3 came after the position
  expect(signal.aborted).toBe(false);
});

test("components share the connection, and each has its own state", async () => {
  const url = await serve(), backend = backendAt(url);
  await backend.add(1);
  const Part = ({ name }: { name: string }) => {
    const { data, isLive } = useLive(backend.read, reducers, { ...fast, key: name });
    return <p>{`${name}: ${isLive} ${data}`}</p>;
  };
  const app = (later: boolean) => (
    <RoomcastProvider url={url} userId="ann">
      <Part name="one" />
      {later && <Part name="two" />}
    </RoomcastProvider>
  );
  const { rerender } = render(app(false));
  await soon(() => screen.getByText("one: true 1"));
  await backend.add(2);
  await soon(() => screen.getByText("one: true 1,2"));
  rerender(app(true));
  await soon(() => screen.getByText("two: true 1,2"));
  rerender(app(false)); // the other one stays in the channel
  await backend.add(3);
  await soon(() => screen.getByText("one: true 1,2,3"));
  expect(opened(url)).toBe(1);
});

test("StrictMode reads the state once, and an unmount aborts the read", async () => {
  const url = await serve(), backend = backendAt(url);
  backend.read.mockImplementation(() => new Promise(() => {}));
  const Status = () => <p>{useSocket().status}</p>;
  const Part = () => <p>{`${useLive(backend.read, reducers, fast).isLoading}`}</p>;
  const app = (part: boolean) => (
    <StrictMode>
      <RoomcastProvider url={url} userId="ann">
        <Status />
        {part && <Part />}
      </RoomcastProvider>
    </StrictMode>
  );
  const { rerender, unmount } = render(app(false));
  await soon(() => screen.getByText("connected"));
  rerender(app(true));
  await soon(() => expect(backend.read).toHaveBeenCalled());
  await backend.publish(1);
  expect(backend.read).toHaveBeenCalledTimes(1);
  unmount();
  await soon(() => expect(backend.read.mock.calls[0]![0].signal.aborted).toBe(true));
});

test("errors are shown and tried again, as the options say", async () => {
  const url = await serve(), backend = backendAt(url);
  backend.read.mockRejectedValueOnce(new Error("one")).mockRejectedValueOnce(new Error("two"));
  await backend.add(1);
  const shown: string[] = [];
  const { result } = renderHook(() => {
    const state = useLive(backend.read, reducers, fast);
    if (state.error) shown.push((state.error as Error).message);
    return state;
  }, { wrapper: within(url) });
  await soon(() => expect(result.current).toMatchObject({ data: [1], error: undefined, isLive: true }));
  expect([...new Set(shown)]).toEqual(["one", "two"]);

  const never = vi.fn(() => Promise.reject(new Error("never")));
  const { result: failed } = renderHook(
    () => useLive(never, reducers, { ...fast, retry: 1 }),
    { wrapper: within(url) },
  );
  await soon(() => expect(never).toHaveBeenCalledTimes(2));
  await soon(() =>
    expect(failed.current).toMatchObject({ isLoading: false, isFetching: false, isLive: false })
  );
  expect((failed.current.error as Error).message).toBe("never");
});

test("a gap reads the state again; the old one stays meanwhile", async () => {
  const url = await serve(), backend = backendAt(url);
  await backend.add(1);
  const { result } = renderHook(() => useLive(backend.read, reducers, fast), {
    wrapper: within(url),
  });
  await soon(() => expect(result.current).toMatchObject({ data: [1], isLive: true }));
  await commands.killServer(url);
  await soon(() => expect(result.current).toMatchObject({ data: [1], isLive: false }));
  backend.numbers.add(2); // nobody was told
  await commands.reviveServer(url);
  await soon(() => expect(result.current).toMatchObject({ data: [1, 2], isLive: true }));
});

test("a short loss of the connection needs no second read", async () => {
  const url = await serve(), line = await commands.startLine(url), backend = backendAt(url);
  await backend.add(1);
  const { result } = renderHook(
    () => useLive(backend.read, reducers, { ...fast, connection: { url: line, userId: "ann" } }),
  );
  await soon(() => expect(result.current).toMatchObject({ data: [1], isLive: true }));
  const reads = backend.read.mock.calls.length;
  await commands.setLine(line, "pass", false);
  await soon(() => expect(result.current.isLive).toBe(false));
  await backend.add(2);
  await commands.setLine(line, "pass");
  await soon(() => expect(result.current).toMatchObject({ data: [1, 2], isLive: true }));
  expect(backend.read).toHaveBeenCalledTimes(reads);
  await commands.stopLine(line);
});

test("a reducer that returns undefined, or throws, has the state read again", async () => {
  const url = await serve(), backend = backendAt(url), reported = vi.fn();
  globalThis.reportError = reported;
  const { result } = renderHook(
    () =>
      useLive(backend.read, {
        changed: () => undefined,
        broken: () => {
          throw new Error("broken");
        },
      }, fast),
    { wrapper: within(url) },
  );
  await soon(() => expect(result.current).toMatchObject({ data: [], isLive: true }));
  for (const [n, type] of [[1, "changed"], [2, "broken"]] as const) {
    backend.numbers.add(n);
    await backend.publish(n, type);
    await soon(() => expect(result.current.data).toContain(n));
  }
  await soon(() => expect(result.current.isLive).toBe(true));
  expect(reported).toHaveBeenCalledTimes(1);
});

test("a new key shows no old data, and enabled: false reads nothing", async () => {
  const url = await serve();
  const read = vi.fn(async (id: string) => `state of ${id}`);
  const { result, rerender } = renderHook(
    ({ id, enabled }) =>
      useLive(() => read(id), { none: (state: string) => state }, { key: id, enabled }),
    { wrapper: within(url), initialProps: { id: "a", enabled: false } },
  );
  await commands.publish(url, { target: { all: true }, type: "any" });
  expect(read).not.toHaveBeenCalled();
  rerender({ id: "a", enabled: true });
  await soon(() => expect(result.current).toMatchObject({ data: "state of a", isLive: true }));
  rerender({ id: "b", enabled: true });
  expect(result.current).toMatchObject({ data: undefined, isLoading: true });
  await soon(() => expect(result.current).toMatchObject({ data: "state of b", isLive: true }));
});

test("without a connection the state is read, but is not live", async () => {
  const url = await serve({ AUTH_MODE: "token", JWT_SECRET: "0123456789abcdef0123456789abcdef" });
  const { result } = renderHook(
    () => useLive(async () => "state", {}, { connection: { url, userId: "ann" } }),
  );
  await soon(() => expect(result.current).toMatchObject({ data: "state", isLive: false }));
  expect(result.current.status).toBe("closed");
});

test("a channel that is denied is an error", async () => {
  const secret = "0123456789abcdef0123456789abcdef";
  const url = await serve({ AUTH_MODE: "token", JWT_SECRET: secret });
  const token = await commands.sign(secret, { sub: "ann" });
  const { result } = renderHook(
    () => useLive(async () => 1, {}, { ...fast, retry: false, connection: { url, token } }),
  );
  await soon(() => expect(result.current.error).toMatchObject({ code: "forbidden" }));
  expect(result.current).toMatchObject({ data: undefined, isLive: false });
});

test("live works without React", async () => {
  const url = await serve(), backend = backendAt(url), client = connect({ url, userId: "ann" });
  await backend.add(1);
  const numbers = live(client, backend.read, reducers, fast), changed = vi.fn();
  expect(numbers.get()).toMatchObject({ data: undefined, isLoading: true });
  const stop = numbers.subscribe(changed);
  await soon(() => expect(numbers.get()).toMatchObject({ data: [1], isLive: true }));
  await backend.add(2);
  await soon(() => expect(numbers.get().data).toEqual([1, 2]));
  expect(numbers.get()).toBe(numbers.get());
  stop();
  await soon(() => expect(numbers.get().isLive).toBe(false));
  expect(await client.position()).toMatch(/^[\da-f]{8}-2$/);
  client.close();
});

test("a retained notification is the one that its id says", async () => {
  const url = await serve(), got = vi.fn();
  const publish = (data: unknown, more = {}) =>
    commands.publish(url, { target: { channel: "shop" }, type: "status", data, ...more }) as Promise<
      { id: string }
    >;
  const { id } = await publish({ open: true }, { retain: true });
  const last = await publish(1);
  for (const transport of ["sse", "socket.io"] as const) {
    const client = connect({ url, userId: "ann", channels: ["shop"], transport });
    client.on("status", got);
    await soon(() => expect(got).toHaveBeenCalled());
    const [notification, cursor] = got.mock.calls[0]!;
    expect(notification).toMatchObject({
      id,
      type: "status",
      data: { open: true },
      metadata: { channel: "shop", retained: true },
    });
    expect([cursor, client.lastId]).toEqual([last.id, last.id]);
    got.mockClear();
    client.close();
  }
});

test("types: the data of the catalogue, and the state", () => {
  type Options = LiveHookOptions<number[]>;
  expectTypeOf<Options["initialData"]>().toEqualTypeOf<number[] | undefined>();
  const typed = () =>
    useLive(async () => ({ paid: 0 }), {
      "payment:completed": (state, data, notification) => {
        expectTypeOf(state).toEqualTypeOf<{ paid: number }>();
        expectTypeOf(data.paymentId).toEqualTypeOf<string>();
        expectTypeOf(notification.type).toEqualTypeOf<"payment:completed">();
        return { paid: state.paid + 1 };
      },
      "own:type": (state, data) => data.reset ? undefined : state,
    });
  expectTypeOf<ReturnType<typeof typed>["data"]>().toEqualTypeOf<{ paid: number } | undefined>();
  expect(complained()).toEqual([]);
});
