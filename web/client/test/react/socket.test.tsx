import { render, renderHook } from "@testing-library/react";
import { StrictMode, useEffect } from "react";
import { expect, test, vi } from "vitest";
import { useSocket, useSSE, type SocketResult } from "../../src/react/index.ts";
import { commands, connections, connectionsOf, opened, serve, soon, tell } from "./harness.ts";

const hooks = { useSocket, useSSE };

for (const [name, useHook] of Object.entries(hooks)) {
  const transport = name === "useSocket" ? "websocket" : "sse";

  test(`${name} joins, sends and leaves`, async () => {
    const url = await serve();
    const { result } = renderHook(() => useHook({ url, userId: "ann" }));
    const heard = vi.fn();
    result.current.addHandler("message", heard);
    await soon(() =>
      expect(result.current).toMatchObject({
        isConnected: true,
        status: "connected",
        error: undefined,
      })
    );
    const [connection] = await connections(url, 1);
    expect(connection).toMatchObject({ transport, clientId: result.current.clientId });
    expect(result.current.connectionInfo).toMatchObject({
      type: "connected",
      userId: "ann",
      clientId: result.current.clientId,
    });

    expect(await result.current.joinRoom("lobby")).toEqual({ joined: ["lobby"], denied: [] });
    expect(await result.current.subscribe(["a", "b", "user:bob"])).toEqual({
      joined: ["a", "b"],
      denied: ["user:bob"],
    });
    expect(await result.current.subscribe()).toEqual({ joined: ["default"], denied: [] });
    expect((await connectionsOf(url))[0]!.rooms)
      .toEqual(expect.arrayContaining(["a", "b", "default", "lobby", "user:ann"]));
    expect(await result.current.sendMessage("lobby", { text: "hi" }, { mood: "good" }))
      .toMatchObject({ delivered: 1 });
    await soon(() => expect(heard).toHaveBeenCalledOnce());
    expect(heard.mock.calls[0]![0]).toMatchObject({
      room: "lobby",
      message: { text: "hi" },
      from: { userId: "ann" },
      metadata: { mood: "good" },
    });
    await result.current.leaveRoom("lobby");
    await result.current.unsubscribe(["a", "b"]);
    const { rooms } = (await connectionsOf(url))[0]!;
    expect(rooms).toContain("default");
    for (const room of ["lobby", "a", "b"]) expect(rooms).not.toContain(room);
    await expect(result.current.sendMessage("user:bob", "hi")).rejects.toMatchObject({
      code: "forbidden",
    });
  });

  test(`${name} keeps its rooms over a reconnect and another user`, async () => {
    const url = await serve();
    const { result, rerender } = renderHook(({ userId }) => useHook({ url, userId }), {
      initialProps: { userId: "ann" },
    });
    await soon(() => expect(result.current.isConnected).toBe(true));
    await result.current.joinRoom("lobby");
    result.current.reconnect();
    await soon(() => expect(opened(url)).toBe(2));
    await soon(async () =>
      expect(await connectionsOf(url)).toMatchObject([{
        userId: "ann",
        rooms: expect.arrayContaining(["lobby"]),
      }])
    );
    rerender({ userId: "bob" });
    await soon(async () =>
      expect(await connectionsOf(url)).toMatchObject([{
        userId: "bob",
        rooms: expect.arrayContaining(["lobby"]),
      }])
    );
  });
}

test("useSocket emits, and pings", async () => {
  const url = await serve();
  const { result } = renderHook(() => useSocket({ url, userId: "ann", pingInterval: 50 }));
  const answered = vi.fn(), pong = vi.fn();
  result.current.addHandler("custom-event-response", answered);
  result.current.addHandler("pong", pong);
  await soon(() => expect(result.current.isConnected).toBe(true));
  expect(result.current.emit("custom-event", { n: 1 })).toBe(true);
  await soon(() => expect(answered).toHaveBeenCalledOnce());
  expect(answered.mock.calls[0]![0]).toMatchObject({ n: 1 });
  await soon(() => expect(pong.mock.calls.length).toBeGreaterThan(2));
  expect(pong.mock.calls[0]![0]).toMatchObject({ clientId: result.current.clientId });
});

test("useSSE reports that it cannot emit", async () => {
  const url = await serve();
  const { result } = renderHook(() => useSSE({ url, userId: "ann" }));
  const refused = vi.fn();
  result.current.addHandler("error", refused);
  await soon(() => expect(result.current.isConnected).toBe(true));
  expect(result.current.emit("custom-event", {})).toBe(false);
  expect(refused).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "unsupported" }));
  expect(result.current.isConnected).toBe(true);
});

test("effects join rooms once in StrictMode, in a child before its parent", async () => {
  const url = await serve();
  const Child = ({ joinRoom }: Pick<SocketResult, "joinRoom">) => {
    useEffect(() => void joinRoom("child"), [joinRoom]);
    return null;
  };
  const Parent = () => {
    const { joinRoom } = useSocket({ url, userId: "ann" });
    useEffect(() => void joinRoom("parent"), [joinRoom]);
    return <Child joinRoom={joinRoom} />;
  };
  render(<StrictMode>
    <Parent />
  </StrictMode>);
  await soon(async () =>
    expect(await connectionsOf(url)).toMatchObject([{
      rooms: expect.arrayContaining(["child", "parent"]),
    }])
  );
  expect(opened(url)).toBe(1);
});

test("a room is left when the last component that joined it goes", async () => {
  const url = await serve();
  const use = (rooms: string[]) =>
    renderHook(() => {
      const socket = useSocket({ url, userId: "ann", channels: ["declared"] });
      const { joinRoom } = socket;
      useEffect(() => {
        for (const room of rooms) joinRoom(room);
      }, [joinRoom]);
      return socket;
    });
  const roomsOf = async () =>
    (await connectionsOf(url))[0]!.rooms.filter((room) =>
      !room.includes(":") && room !== "general"
    );
  const one = use(["both", "one", "declared"]), two = use(["both", "two"]);
  await soon(async () =>
    expect((await roomsOf()).sort()).toEqual(["both", "declared", "one", "two"])
  );
  one.unmount();
  await soon(async () => expect((await roomsOf()).sort()).toEqual(["both", "declared", "two"]));
  await two.result.current.leaveRoom("both");
  expect((await roomsOf()).sort()).toEqual(["declared", "two"]);
  expect(opened(url)).toBe(1);
});

test("a change of channels misses nothing in a joined room", async () => {
  const url = await serve();
  const { result, rerender } = renderHook(
    ({ channels }) => useSocket({ url, userId: "ann", channels }),
    { initialProps: { channels: ["a"] } },
  );
  const heard: number[] = [];
  result.current.addHandler("step", (n) => heard.push(n));
  await soon(() => expect(result.current.isConnected).toBe(true));
  await result.current.joinRoom("lobby");
  const numbers = Array.from({ length: 40 }, (_, n) => n);
  for (const n of numbers) {
    if (n === 10) rerender({ channels: ["a", "b"] });
    if (n === 20) rerender({ channels: ["b"] });
    await commands.publish(url, { target: { channel: "lobby" }, type: "step", data: n });
  }
  await soon(() => expect(heard).toEqual(numbers));
});

test("a channel without an entry in the options is left", async () => {
  const url = await serve();
  const { result, rerender } = renderHook(
    ({ channels }) =>
      [
        useSocket({ url, userId: "ann", channels }),
        useSocket({ url, userId: "ann", channels }),
      ] as const,
    {
      initialProps: { channels: ["news", "more"] },
    },
  );
  const [one] = result.current;
  await soon(() => expect(result.current[0].isConnected).toBe(true));
  for (const room of ["news", "other"]) await one.joinRoom(room);
  for (const room of ["news", "other"]) await one.leaveRoom(room);
  const rooms = async () => (await connections(url, 1))[0]!.rooms;
  expect(await rooms()).toContain("news");
  expect(await rooms()).not.toContain("other");
  rerender({ channels: ["more"] });
  await soon(async () => expect(await rooms()).not.toContain("news"));
});

test("without a user nothing is sent, and rooms are remembered", async () => {
  const url = await serve();
  const { result, rerender } = renderHook(({ userId }) => useSocket({ url, userId }), {
    initialProps: { userId: "" },
  });
  expect(result.current).toMatchObject({
    status: "idle",
    isConnected: false,
    clientId: undefined,
    connectionInfo: undefined,
    error: undefined,
  });
  expect(await result.current.joinRoom("lobby")).toEqual({ joined: [], denied: [] });
  expect(result.current.emit("custom-event")).toBe(false);
  await expect(result.current.sendMessage("lobby", "hi")).rejects.toMatchObject({
    code: "disconnected",
  });
  rerender({ userId: "ann" });
  await soon(async () =>
    expect(await connectionsOf(url)).toMatchObject([{ rooms: expect.arrayContaining(["lobby"]) }])
  );
});

test("a join without an answer is repeated", async () => {
  const url = await serve();
  await commands.killServer(url);
  const { result } = renderHook(() =>
    useSocket({ url, userId: "ann", timeout: 200, backoff: { min: 50, max: 100 } })
  );
  void result.current.joinRoom("hall"); // as in an effect: its failure is no unhandled rejection
  void result.current.leaveRoom("garden");
  await expect(result.current.joinRoom("lobby")).rejects.toMatchObject({ code: "timeout" });
  expect(result.current).toMatchObject({
    isConnected: false,
    error: { code: expect.stringMatching(/network|timeout/) },
  });
  await commands.reviveServer(url);
  await soon(async () =>
    expect(await connectionsOf(url)).toMatchObject([{
      rooms: expect.arrayContaining(["hall", "lobby"]),
    }])
  );
});

test("all functions stay the same", async () => {
  const url = await serve();
  const { result, rerender } = renderHook(({ userId }) => useSocket({ url, userId }), {
    initialProps: { userId: "ann" },
  });
  const functions = (socket: SocketResult) =>
    Object.values(socket).filter((value) => typeof value === "function");
  const before = functions(result.current);
  await soon(() => expect(result.current.isConnected).toBe(true));
  rerender({ userId: "bob" });
  await soon(() => expect(result.current.connectionInfo?.userId).toBe("bob"));
  expect(functions(result.current)).toEqual(before);
  expect(before).toHaveLength(9);
  await tell(url, "bob", "step", 1);
});
