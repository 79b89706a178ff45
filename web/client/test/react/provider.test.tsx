import { act, render, renderHook, screen } from "@testing-library/react";
import { memo, StrictMode, useEffect, type ReactNode } from "react";
import { expect, expectTypeOf, onTestFinished, test, vi } from "vitest";
import { connect } from "../../src/index.ts";
import {
  RoomcastProvider,
  useEventSource,
  useNotifications,
  useRoomcast,
  useSocket,
  useSSE,
  type HookOptions,
} from "../../src/react/index.ts";
import {
  commands,
  complained,
  connections,
  connectionsOf,
  opened,
  serve,
  soon,
  tell,
} from "./harness.ts";

const within = (url: string, userId = "ann") => ({ children }: { children: ReactNode }) => (
  <StrictMode>
    <RoomcastProvider url={url} userId={userId}>{children}</RoomcastProvider>
  </StrictMode>
);

test("hooks without options use the provider's connection", async () => {
  const url = await serve();
  const { result, unmount } = renderHook(
    () => [useEventSource(), useSSE(), useSocket(), useNotifications(), useRoomcast()] as const,
    { wrapper: within(url) },
  );
  const [source, sse, socket] = result.current;
  const heard = vi.fn();
  source.addHandler("step", heard);
  sse.addHandler("step", heard);
  socket.addHandler("step", heard);
  await soon(() =>
    expect(result.current.map((each) => each.status)).toEqual(Array(5).fill("connected"))
  );
  await tell(url, "ann", "step", 1);
  await soon(() => expect(heard).toHaveBeenCalledTimes(3));
  expect(await connectionsOf(url)).toMatchObject([{ transport: "websocket" }]);
  expect(opened(url)).toBe(1);
  unmount();
  await connections(url, 0);
});

test("useNotifications lists the newest first, to a limit, by type", async () => {
  const url = await serve();
  const { result, rerender } = renderHook(
    ({ types, limit }) => ({ list: useNotifications(types, { limit }), socket: useSocket() }),
    {
      wrapper: within(url),
      initialProps: { types: undefined as string | string[] | undefined, limit: 3 },
    },
  );
  const data = () => result.current.list.notifications.map((each) => each.data);
  await soon(() =>
    expect(result.current.list).toMatchObject({
      connected: true,
      status: "connected",
      notifications: [],
      last: undefined,
    })
  );
  for (const n of [1, 2, 3, 4]) await tell(url, "ann", n % 2 ? "odd" : "even", n);
  await soon(() => expect(data()).toEqual([4, 3, 2]));
  expect(result.current.list.last).toMatchObject({ type: "even", data: 4 });
  // Replies to the component are not in the list.
  await result.current.socket.joinRoom("lobby");
  await tell(
    url,
    "bob",
    "other",
    "so that the next answer carries an id that is new to the client",
  );
  const answered = vi.fn();
  result.current.socket.addHandler("pong", answered);
  result.current.socket.emit("ping");
  await soon(() => expect(answered).toHaveBeenCalledOnce());
  expect(data()).toEqual([4, 3, 2]);
  rerender({ types: ["odd", "other"], limit: 3 });
  expect(data()).toEqual([3]);
  for (const n of [5, 6, 7]) await tell(url, "ann", n % 2 ? "odd" : "even", n);
  await soon(() => expect(data()).toEqual([7, 5, 3]));
  const { clear } = result.current.list;
  act(clear);
  expect(result.current.list).toMatchObject({ notifications: [], last: undefined });
  rerender({ types: "even", limit: 1 });
  await tell(url, "ann", "odd", 9);
  await tell(url, "ann", "even", 8);
  await soon(() => expect(data()).toEqual([8]));
  expect(result.current.list.clear).toBe(clear);
});

test("a burst is listed completely, in fewer renderings", async () => {
  const url = await serve({ HISTORY_SIZE: "1000" });
  let rendered = 0;
  const { result } = renderHook(() => {
    rendered++;
    return useNotifications("step", { limit: 1000 });
  }, { wrapper: within(url) });
  await soon(() => expect(result.current.connected).toBe(true));
  const before = rendered, numbers = Array.from({ length: 600 }, (_, n) => n);
  await commands.publish(
    url,
    numbers.map((n) => ({ target: { user: "ann" }, type: "step", data: n })),
  );
  await soon(() =>
    expect(result.current.notifications.map(({ data }) => data)).toEqual([...numbers].reverse())
  );
  expect(rendered - before).toBeLessThan(600);
});

test("a rendering of the provider does not render the components inside", async () => {
  const url = await serve();
  let rendered = 0;
  const Inside = memo(() => {
    rendered++;
    return <p>{useEventSource().status}</p>;
  });
  const app = (text: string) => (
    <RoomcastProvider
      url={url}
      userId="ann"
      channels={["a"]}
      getToken={() => ""}
    >
      {text}
      <Inside />
    </RoomcastProvider>
  );
  const { rerender } = render(app("one"));
  await soon(() => screen.getByText("connected"));
  const before = rendered;
  rerender(app("two"));
  expect(rendered).toBe(before);
});

test("the provider accepts a client of the application", async () => {
  const url = await serve();
  const client = connect({ url, userId: "ann" });
  onTestFinished(() => client.close());
  const wrapper = ({ children }: { children: ReactNode }) => (
    <StrictMode>
      <RoomcastProvider client={client}>{children}</RoomcastProvider>
    </StrictMode>
  );
  const own = vi.fn(), heard = vi.fn();
  client.on("step", own);
  let watchers = 0;
  const { onStatus } = client;
  client.onStatus = (handler) => {
    const end = onStatus(handler);
    watchers++;
    return () => {
      watchers--;
      end();
    };
  };
  const { result, unmount } = renderHook(
    () => ({ socket: useSocket(), client: useRoomcast(), list: useNotifications("step") }),
    { wrapper },
  );
  expect(result.current.client).toBe(client);
  result.current.socket.addHandler("step", heard);
  await soon(() => expect(result.current.socket.isConnected).toBe(true));
  await result.current.socket.joinRoom("lobby");
  await tell(url, "ann", "step", 1);
  await soon(() => expect(result.current.list.notifications).toHaveLength(1));
  expect(heard).toHaveBeenCalledOnce();
  unmount();
  await soon(async () => expect((await connectionsOf(url))[0]!.rooms).not.toContain("lobby"));
  await tell(url, "ann", "step", 2);
  await soon(() => expect(own).toHaveBeenCalledTimes(2));
  expect(heard).toHaveBeenCalledOnce();
  expect(client.status).toBe("connected");
  expect(watchers).toBe(0);
});

test("useRoomcast returns one client that follows the user of the provider", async () => {
  const url = await serve();
  const heard = vi.fn(), status = vi.fn();
  function Inside() {
    const client = useRoomcast();
    useEffect(() => {
      const ends = [
        client.on("step", heard),
        client.onAny((name) => name === "step" && heard("any")),
        client.onStatus(({ status: now }) => status(now)),
      ];
      client.join("lobby");
      return () => {
        for (const end of ends) end();
      };
    }, [client]);
    const { status: now, clientId } = useSocket();
    return <p>{now} {clientId}</p>;
  }
  const app = (userId: string) => (
    <StrictMode>
      <RoomcastProvider url={url} userId={userId}>
        <Inside />
      </RoomcastProvider>
    </StrictMode>
  );
  const { rerender } = render(app("ann"));
  await soon(() => screen.getByText(/^connected \S+/));
  rerender(app(""));
  await soon(() => screen.getByText("idle"));
  await connections(url, 0);
  rerender(app("bob"));
  await soon(async () =>
    expect(await connectionsOf(url)).toMatchObject([{
      userId: "bob",
      rooms: expect.arrayContaining(["lobby"]),
    }])
  );
  const { id } = await tell(url, "bob", "step", 1);
  await soon(() => expect(heard).toHaveBeenCalledTimes(2));
  expect(heard).toHaveBeenNthCalledWith(1, expect.objectContaining({ id, data: 1 }), id);
  expect(heard).toHaveBeenLastCalledWith("any");
  expect(status).toHaveBeenCalledWith("connected");
});

test("onStatus of useRoomcast reports the end of a connection by the options", async () => {
  const url = await serve();
  const reported: string[] = [];
  function Inside() {
    const client = useRoomcast();
    useEffect(() => client.onStatus(({ status }) => reported.push(status)), [client]);
    return null;
  }
  const app = (userId: string) => (
    <StrictMode>
      <RoomcastProvider url={url} userId={userId}>
        <Inside />
      </RoomcastProvider>
    </StrictMode>
  );
  const { rerender, unmount } = render(app("ann"));
  await soon(() => expect(reported.at(-1)).toBe("connected"));
  rerender(app(""));
  await soon(() => expect(reported.at(-1)).toBe("closed"));
  rerender(app("ann"));
  await soon(() => expect(reported.at(-1)).toBe("connected"));
  unmount();
  await connections(url, 0);
  expect(reported.at(-1)).toBe("connected"); // no report after the end
});

test("notifications of one user are never shown to another", async () => {
  const url = await serve();
  const shown: string[] = [];
  function Part() {
    const { notifications, status } = useNotifications();
    const { lastEvent } = useEventSource();
    const text = `${status} [${notifications.map(({ data }) => data)}] ${
      lastEvent?.data ?? "none"
    }`;
    shown.push(text);
    return <p>{text}</p>;
  }
  const app = (options: HookOptions) => (
    <StrictMode>
      <RoomcastProvider url={url} {...options}>
        <Part />
      </RoomcastProvider>
    </StrictMode>
  );
  const { rerender } = render(app({ userId: "ann" }));
  await soon(() => screen.getByText("connected [] none"));
  await tell(url, "ann", "step", "secret");
  await soon(() => screen.getByText("connected [secret] secret"));
  // Other channels, or `enabled: false`, do not change the user.
  rerender(app({ userId: "ann", channels: ["more"] }));
  screen.getByText(/\[secret\] secret/);
  rerender(app({ userId: "ann", enabled: false }));
  screen.getByText("idle [secret] secret");
  shown.length = 0;
  rerender(app({ userId: "" }));
  rerender(app({ userId: "bob" }));
  await soon(() => screen.getByText("connected [] none"));
  await tell(url, "bob", "step", "hello");
  await soon(() => screen.getByText("connected [hello] hello"));
  expect(shown.filter((text) => text.includes("secret"))).toEqual([]);
});

test("without a provider the error names the hook", () => {
  for (
    const [name, useHook] of Object.entries({
      useEventSource,
      useSSE,
      useSocket,
      useNotifications,
      useRoomcast,
    })
  ) {
    expect(() => renderHook(() => useHook())).toThrow(new RegExp(`^${name}: .*<RoomcastProvider>`));
  }
  complained(); // React reports them too
});

test("the catalogue determines the parameters of handlers", async () => {
  const url = await serve();
  const { result } = renderHook(() => {
    const list = useNotifications(["payment:completed", "user:login"]);
    const { addHandler, removeHandler, lastEvent } = useEventSource();
    return { list, addHandler, removeHandler, lastEvent };
  }, { wrapper: within(url) });
  const { addHandler, list } = result.current;
  addHandler("payment:completed", (data, notification) => {
    expectTypeOf(data.amount).toEqualTypeOf<number | undefined>();
    expectTypeOf(notification.type).toEqualTypeOf<"payment:completed">();
  });
  addHandler(
    "gap",
    (gap) =>
      expectTypeOf(gap.reason).toEqualTypeOf<
        "trimmed" | "epoch" | "ahead" | "invalid" | "too_many"
      >(),
  );
  addHandler("my:own", (data) => expectTypeOf(data).toBeAny());
  // @ts-expect-error: an amount is a number
  addHandler("payment:completed", (data: { amount: string }) => data);
  for (const type of ["payment:completed", "payment:failed"] as const) {
    addHandler(type, (data) => expectTypeOf(data.status).toEqualTypeOf<"completed" | "failed">());
    addHandler(
      type,
      (_data, { type }) =>
        expectTypeOf(type).toEqualTypeOf<"payment:completed" | "payment:failed">(),
    );
  }
  const { last } = list;
  if (last?.type === "payment:completed")
    expectTypeOf(last.data.amount).toEqualTypeOf<number | undefined>();
  expectTypeOf<(typeof list.notifications)[number]["type"]>().toEqualTypeOf<
    "payment:completed" | "user:login"
  >();
});
