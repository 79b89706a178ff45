import { render, renderHook, screen } from "@testing-library/react";
import { memo, StrictMode, useEffect, type ReactNode } from "react";
import { expect, onTestFinished, test, vi } from "vitest";
import { connect } from "../../src/index.ts";
import {
  RoomcastProvider,
  useEventSource,
  useNotifications,
  useRoomcast,
  useSocket,
  useSSE,
} from "../../src/react/index.ts";
import { complained, connections, connectionsOf, opened, serve, soon, tell } from "./harness.ts";
import { within } from "./within.tsx";

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
