// Which components share a connection, and what a change of their options does to it.

import { render, renderHook, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { useEventSource } from "../../src/react/index.ts";
import { connections, connectionsOf, opened, serve, soon, tell } from "./harness.ts";

test("components with equal options share a connection, with their own handlers", async () => {
  const url = await serve();
  const shared = vi.fn();
  const one = renderHook(() => useEventSource({ url, userId: "ann", channels: ["a", "b"] }));
  const two = renderHook(() => useEventSource({ userId: "ann", url, channels: ["b", "a"] }));
  one.result.current.addHandler("step", shared);
  two.result.current.addHandler("step", shared);
  await soon(() =>
    expect([one.result.current.connected, two.result.current.connected]).toEqual([true, true])
  );
  await tell(url, "ann", "step", 1);
  await soon(() => expect(shared).toHaveBeenCalledTimes(2));
  one.unmount();
  await tell(url, "ann", "step", 2);
  await soon(() => expect(shared).toHaveBeenCalledTimes(3));
  // A later component is connected in its first rendering.
  const seen: boolean[] = [];
  renderHook(() =>
    seen.push(useEventSource({ url, userId: "ann", channels: ["a", "b"] }).connected)
  );
  expect(seen).toEqual([true]);
  expect(opened(url)).toBe(1);
  expect(await connectionsOf(url)).toHaveLength(1);
});

test("a change of page keeps the connection", async () => {
  const url = await serve();
  const Page = ({ name }: { name: string }) => (
    <p>{name}: {useEventSource({ url, userId: "ann" }).status}</p>
  );
  const { rerender } = render(<Page key="1" name="one" />);
  await soon(() => screen.getByText("one: connected"));
  rerender(<Page key="2" name="two" />);
  screen.getByText("two: connected");
  rerender(<p>nothing</p>);
  // The timer that ends the connection is due after this one.
  await new Promise((resolve) => setTimeout(resolve, 5));
  rerender(<Page key="3" name="three" />);
  await soon(() => screen.getByText("three: connected"));
  expect(opened(url)).toBe(1);
});

test("another user is another connection, with the same handlers", async () => {
  const url = await serve();
  const { result, rerender } = renderHook(({ userId }) => useEventSource({ url, userId }), {
    initialProps: { userId: "ann" },
  });
  const heard = vi.fn();
  result.current.addHandler("step", heard);
  await soon(() => expect(result.current.connected).toBe(true));
  await tell(url, "ann", "other", "so that there is an id to go on from");
  await tell(url, "bob", "step", "before he was there");
  rerender({ userId: "bob" });
  expect(result.current.connected).toBe(false);
  await soon(() => expect(result.current.connected).toBe(true));
  await soon(async () =>
    expect((await connectionsOf(url)).map(({ userId }) => userId)).toEqual(["bob"])
  );
  await tell(url, "ann", "step", "for ann");
  await tell(url, "bob", "step", "for bob");
  await soon(() => expect(heard).toHaveBeenCalledExactlyOnceWith("for bob", expect.anything()));
});

test("another list of channels misses nothing", async () => {
  const url = await serve();
  const { result, rerender } = renderHook(
    ({ channels }) => useEventSource({ url, userId: "ann", channels }),
    { initialProps: { channels: ["a"] } },
  );
  const heard: number[] = [];
  result.current.addHandler("step", (n) => heard.push(n));
  await soon(() => expect(result.current.connected).toBe(true));
  const numbers = Array.from({ length: 40 }, (_, n) => n);
  for (const n of numbers) {
    await tell(url, "ann", "step", n);
    if (n === 10) rerender({ channels: ["a", "b"] });
    if (n === 20) rerender({ channels: ["b"] });
  }
  await soon(() => expect(heard).toEqual(numbers));
  expect((await connections(url, 1))[0]!.rooms).toContain("b");
});
