import { act, fireEvent, render, renderHook, screen } from "@testing-library/react";
import * as React from "react";
import { StrictMode, useEffect, useState, version } from "react";
import { expect, test, vi } from "vitest";
import { useEventSource, type HookOptions } from "../../src/react/index.ts";
import { commands, connections, opened, serve, soon, tell } from "./harness.ts";

test("the hook connects", async () => {
  const url = await serve();
  const { result } = renderHook(() => useEventSource({ url, userId: "test-user" }));
  expect(result.current).toMatchObject({
    connected: false,
    status: "connecting",
    error: undefined,
  });
  await soon(() => expect(result.current.connected).toBe(true));
  expect(result.current.status).toBe("connected");
  expect((await connections(url, 1))[0]).toMatchObject({ userId: "test-user", transport: "sse" });
});

test("the quick start shows what is sent, and leaves no connection", async () => {
  const url = await serve();
  function Payments() {
    const { connected, addHandler, removeHandler } = useEventSource({
      url,
      userId: "user123",
      username: "john_doe",
    });
    const [paid, setPaid] = useState<number[]>([]);
    useEffect(() => {
      const handler = (data: any) => setPaid((before) => [...before, data.amount]);
      addHandler("payment:completed", handler);
      return () => removeHandler("payment:completed", handler);
    }, [addHandler, removeHandler]);
    return <p>{connected ? "connected" : "not connected"}: {paid.join(", ")}</p>;
  }
  const { unmount } = render(<StrictMode>
    <Payments />
  </StrictMode>);
  await soon(() => screen.getByText("connected:"));
  await tell(url, "user123", "payment:completed", { amount: 9.99 });
  await tell(url, "user123", "payment:completed", { amount: 1 });
  await soon(() => screen.getByText("connected: 9.99, 1"));
  expect(opened(url)).toBe(1);
  unmount();
  await connections(url, 0);
});

test("handlers get the data and the notification; those of control events the event", async () => {
  const url = await serve();
  const { result } = renderHook(() => useEventSource({ url, userId: "ann" }));
  const greeted = vi.fn(), paid = vi.fn(), other = vi.fn();
  result.current.addHandler("connected", greeted);
  result.current.addHandler("payment:completed", paid);
  result.current.addHandler("payment:completed", other);
  result.current.addHandler("payment:completed", other);
  await soon(() => expect(result.current.connected).toBe(true));
  expect(greeted)
    .toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ type: "connected", userId: "ann" }));
  const { id } = await tell(url, "ann", "payment:completed", { amount: 5 });
  await soon(() => expect(other).toHaveBeenCalledOnce());
  expect(paid).toHaveBeenCalledExactlyOnceWith(
    { amount: 5 },
    expect.objectContaining({ id, type: "payment:completed", metadata: {} }),
  );
});

test("handlers come and go without another connection", async () => {
  const url = await serve();
  const heard: string[] = [];
  const { result, rerender } = renderHook(({ tag }) => {
    const source = useEventSource({ url, userId: "ann" });
    const { addHandler } = source;
    // A new function in each rendering.
    useEffect(() => addHandler("step", ({ n }) => heard.push(`${tag}${n}`)));
    return source;
  }, { initialProps: { tag: "a" } });
  const { addHandler, removeHandler } = result.current;
  await soon(() => expect(result.current.connected).toBe(true));
  await tell(url, "ann", "step", { n: 1 });
  await soon(() => expect(heard).toEqual(["a1"]));
  rerender({ tag: "b" });
  expect(result.current.addHandler).toBe(addHandler);
  expect(result.current.removeHandler).toBe(removeHandler);
  const one = vi.fn(), two = vi.fn();
  const end = addHandler("step", one);
  addHandler("step", two);
  await tell(url, "ann", "step", { n: 2 });
  await soon(() => expect(two).toHaveBeenCalledOnce());
  end();
  await tell(url, "ann", "step", { n: 3 });
  await soon(() => expect(two).toHaveBeenCalledTimes(2));
  removeHandler("step");
  addHandler("last", one);
  await tell(url, "ann", "step", { n: 4 });
  await tell(url, "ann", "last", {});
  await soon(() => expect(one).toHaveBeenCalledTimes(2));
  expect(two).toHaveBeenCalledTimes(2);
  expect(heard).toEqual(["a1", "b2", "b3"]);
  expect(opened(url)).toBe(1);
});

test("handlers end with the component, and run once in StrictMode", async () => {
  const url = await serve();
  const heard: number[] = [];
  function Part() {
    const { status, addHandler } = useEventSource({ url, userId: "ann" });
    useEffect(() => {
      addHandler("step", (n) => heard.push(n));
    }, [addHandler]);
    return <p>{status}</p>;
  }
  const app = (show: boolean) => (
    <StrictMode>
      {show && <Part />}
      <Rest url={url} />
    </StrictMode>
  );
  const { rerender } = render(app(true));
  await soon(() => screen.getByText("connected"));
  await tell(url, "ann", "step", 1);
  await soon(() => screen.getByText("rest: 1"));
  rerender(app(false));
  await tell(url, "ann", "step", 2);
  await soon(() => screen.getByText("rest: 2"));
  expect(heard).toEqual([1]);
});

const Rest = ({ url }: { url: string }) => (
  <p>rest: {useEventSource({ url, userId: "ann" }).lastEvent?.data}</p>
);

test("the hook waits for the user, and for `enabled`", async () => {
  const url = await serve();
  const { result, rerender } = renderHook(
    (options: HookOptions) => useEventSource({ url, ...options }),
    { initialProps: { userId: undefined } as HookOptions },
  );
  const idle = { connected: false, status: "idle", error: undefined };
  for (const userId of ["", null, undefined]) {
    rerender({ userId });
    expect(result.current).toMatchObject(idle);
  }
  rerender({ userId: "ann", enabled: false });
  expect(result.current).toMatchObject(idle);
  rerender({ userId: "ann" });
  expect(result.current.status).toBe("connecting");
  await soon(() => expect(result.current.connected).toBe(true));
  expect(opened(url)).toBe(1);
  rerender({ userId: "ann", enabled: false });
  expect(result.current).toMatchObject(idle);
  await connections(url, 0);
});

test("lastEvent renders only the components that read it", async () => {
  const url = await serve();
  let silent = 0;
  const one = renderHook(() => {
    silent++;
    return useEventSource({ url, userId: "ann" }).connected;
  });
  const two = renderHook(() => useEventSource({ url, userId: "ann" }).lastEvent);
  await soon(() => expect(one.result.current).toBe(true));
  const before = silent;
  expect(two.result.current).toBeUndefined();
  await tell(url, "ann", "step", 1);
  await soon(() => expect(two.result.current).toMatchObject({ type: "step", data: 1 }));
  await tell(url, "ann", "step", 2);
  await soon(() => expect(two.result.current).toMatchObject({ data: 2 }));
  expect(silent).toBe(before);
});

test("the hook reconnects after a restart of the server, and reports the gap", async () => {
  const url = await serve();
  const { result } = renderHook(() =>
    useEventSource({ url, userId: "ann", backoff: { min: 50, max: 200 } })
  );
  const gaps = vi.fn();
  result.current.addHandler("gap", gaps);
  await soon(() => expect(result.current.connected).toBe(true));
  await tell(url, "ann", "step", 1);
  await commands.killServer(url);
  await soon(() =>
    expect(result.current).toMatchObject({ connected: false, status: "reconnecting" })
  );
  await commands.reviveServer(url);
  await soon(() => expect(result.current.connected).toBe(true));
  await soon(() => expect(gaps).toHaveBeenCalledOnce()); // the history was in memory
});

test("reconnect connects again", async () => {
  const url = await serve();
  function Button() {
    const { status, reconnect } = useEventSource({ url, userId: "ann" });
    return <button onClick={reconnect}>{status}</button>;
  }
  render(<Button />);
  await soon(() => screen.getByText("connected"));
  act(() => {
    fireEvent.click(screen.getByRole("button"));
  });
  await soon(() => expect(opened(url)).toBe(2));
  await soon(() => screen.getByText("connected"));
  await connections(url, 1);
});

test("a hidden part receives nothing, and resumes when it is shown", async () => {
  if (!("Activity" in React)) return expect(version).toMatch(/^18\./); // added in React 19.2
  const { Activity } = React, url = await serve(), heard: number[] = [];
  function Part() {
    const { status, addHandler } = useEventSource({ url, userId: "ann" });
    useEffect(() => addHandler("step", (n) => heard.push(n)), [addHandler]);
    return <p>{status}</p>;
  }
  const app = (mode: "visible" | "hidden") => (
    <StrictMode>
      <Activity mode={mode}>
        <Part />
      </Activity>
    </StrictMode>
  );
  const { rerender } = render(app("visible"));
  await soon(() => screen.getByText("connected"));
  await tell(url, "ann", "step", 1);
  await soon(() => expect(heard).toEqual([1]));
  rerender(app("hidden"));
  await connections(url, 0);
  await tell(url, "ann", "step", 2);
  rerender(app("visible"));
  await soon(() => expect(heard).toEqual([1, 2]));
});

test("the project tests its version of React", ({ task }) => {
  expect(version).toMatch(task.file.projectName?.includes("18") ? /^18\./ : /^19\./);
});
