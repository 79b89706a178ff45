import { act, render, renderHook, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { expect, expectTypeOf, test, vi } from "vitest";
import {
  RoomcastProvider,
  useEventSource,
  useNotifications,
  useSocket,
  type HookOptions,
} from "../../src/react/index.ts";
import { commands, serve, soon, tell } from "./harness.ts";
import { within } from "./within.tsx";

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
