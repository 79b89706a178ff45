import { render, renderHook, screen } from "@testing-library/react";
import { useLayoutEffect } from "react";
import { expect, test, vi } from "vitest";
import { useEventSource, useSocket, useSSE, type HookOptions } from "../../src/react/index.ts";
import {
  commands,
  connections,
  connectionsOf,
  JWT_SECRET,
  opened,
  serve,
  soon,
  tell,
} from "./harness.ts";

const ENV = { AUTH_MODE: "token", JWT_SECRET };
const tokenOf = (sub: string, seconds?: number, secret = JWT_SECRET) =>
  commands.sign(secret, { sub }, seconds);

for (const [name, useHook] of Object.entries({ useSocket, useEventSource })) {
  const use = (options: HookOptions) =>
    renderHook((props: HookOptions) => useHook(props), { initialProps: options });

  test(`${name}: a refused token is an error until there is another one`, async () => {
    const url = await serve(ENV);
    const { result, rerender } = use({
      url,
      token: await tokenOf("ann", 600, JWT_SECRET.replaceAll("0", "x")),
    });
    const errors: string[] = [];
    result.current.addHandler("error", ({ code }) => errors.push(code));
    await soon(() =>
      expect(result.current).toMatchObject({ status: "closed", error: { code: "invalid_token" } })
    );
    rerender({ url, token: await tokenOf("ann") });
    await soon(() =>
      expect(result.current).toMatchObject({ status: "connected", error: undefined })
    );
    expect(await connectionsOf(url)).toMatchObject([{ userId: "ann" }]);
    expect(errors).toEqual(["invalid_token"]); // one attempt for each token
  });

  test(`${name}: the user's next token keeps the connection, another user's does not`, async () => {
    const url = await serve(ENV);
    const { result, rerender } = use({ url, token: await tokenOf("ann") });
    const heard = vi.fn();
    result.current.addHandler("step", heard);
    await soon(() => expect(result.current.status).toBe("connected"));
    const [before] = await connections(url, 1);
    rerender({ url, token: await tokenOf("ann", 900) });
    expect(result.current.status).toBe("connected");
    await tell(url, "ann", "step", 1);
    await soon(() => expect(heard).toHaveBeenCalledOnce());
    expect((await connectionsOf(url))[0]!.clientId).toBe(before!.clientId);
    rerender({ url, token: await tokenOf("bob") });
    expect(result.current).toMatchObject({ status: "connecting", error: undefined });
    await soon(async () => expect(await connectionsOf(url)).toMatchObject([{ userId: "bob" }]));
    expect(opened(url)).toBe(2);
  });

  test(`${name}: the newest token renews one that is about to expire`, async () => {
    const url = await serve(ENV);
    // The token expires in 36 s, so the server asks for another one after 6 s. By then the
    // component has it.
    const next = await tokenOf("ann", 900);
    const { result, rerender } = use({ url, token: await tokenOf("ann", 36) });
    const refreshed = vi.fn();
    result.current.addHandler("auth:refreshed", refreshed);
    const asked = vi.spyOn(globalThis, "fetch");
    await soon(() => expect(result.current.status).toBe("connected"));
    rerender({ url, token: next });
    if (name === "useSocket") await soon(() => expect(refreshed).toHaveBeenCalledOnce());
    else {
      const renewal = () => asked.mock.calls.findIndex(([to]) => /\/token($|\?)/.test(`${to}`));
      await soon(() => expect(renewal()).toBeGreaterThan(-1));
      expect(asked.mock.calls[renewal()]![1]!.body).toBe(JSON.stringify({ token: next }));
      expect(await asked.mock.results[renewal()]!.value).toMatchObject({ status: 200 });
    }
    expect(opened(url)).toBe(1);
  });

  test(`${name}: getToken may be written inline`, async () => {
    const url = await serve(ENV);
    const token = await tokenOf("ann"), asked: number[] = [];
    let rendered = 0;
    const { result, rerender } = renderHook(() => {
      const n = ++rendered;
      return useHook({
        url,
        getToken: () => {
          asked.push(n);
          return token;
        },
      });
    });
    await soon(() => expect(result.current.status).toBe("connected"));
    rerender();
    rerender();
    expect(opened(url)).toBe(1);
    const newest = rendered;
    result.current.reconnect();
    await soon(() => expect(opened(url)).toBe(2));
    expect(asked.at(-1)).toBeGreaterThanOrEqual(newest);
    await soon(() => expect(result.current.status).toBe("connected"));
  });
}

test("without credentials the refusal is an error", async () => {
  const url = await serve(ENV);
  const { result } = renderHook(() => useEventSource({ url, userId: "ann" }));
  await soon(() =>
    expect(result.current).toMatchObject({
      connected: false,
      status: "closed",
      error: { code: "unauthenticated" },
    })
  );
});

test("a token of another user than userId is refused until there is the right one", async () => {
  const url = await serve(ENV);
  const { result, rerender } = renderHook(
    ({ token }) => useEventSource({ url, userId: "ann", token }),
    { initialProps: { token: await tokenOf("bob") } },
  );
  await soon(() =>
    expect(result.current).toMatchObject({ status: "closed", error: { code: "invalid_token" } })
  );
  rerender({ token: await tokenOf("ann") });
  await soon(() => expect(result.current.connected).toBe(true));
  expect(opened(url)).toBe(1); // the server refused before there was a stream
});

test("the hook waits for a token that loads", async () => {
  const url = await serve(ENV);
  const { result, rerender } = renderHook(
    ({ token }: { token: string | null }) => useSocket({ url, token }),
    { initialProps: { token: null } as { token: string | null } },
  );
  expect(result.current).toMatchObject({ status: "idle", error: undefined });
  rerender({ token: await tokenOf("ann") });
  await soon(() => expect(result.current.isConnected).toBe(true));
  expect(opened(url)).toBe(1);
});

test("the hook waits for a token that loads, with a userId", async () => {
  const url = await serve(ENV);
  const codes: unknown[] = [];
  const { result, rerender } = renderHook(({ token }: { token: string | null }) => {
    const socket = useSocket({ url, userId: "ann", token });
    codes.push(socket.error?.code);
    return socket;
  }, { initialProps: { token: null } as { token: string | null } });
  for (const token of ["", null]) {
    rerender({ token });
    expect(result.current).toMatchObject({ status: "idle", error: undefined });
  }
  rerender({ token: await tokenOf("ann") });
  await soon(() => expect(result.current.isConnected).toBe(true));
  expect(opened(url)).toBe(1);
  expect(new Set(codes)).toEqual(new Set([undefined]));
});

test("with getToken the userId identifies the user", async () => {
  const url = await serve(ENV);
  const tokens: Record<string, string> = { ann: await tokenOf("ann"), bob: await tokenOf("bob") };
  const { result, rerender } = renderHook(
    ({ userId }) => useSocket({ url, userId, getToken: () => tokens[userId]! }),
    { initialProps: { userId: "ann" } },
  );
  await soon(() => expect(result.current.connectionInfo?.userId).toBe("ann"));
  rerender({ userId: "bob" });
  expect(result.current).toMatchObject({ isConnected: false, connectionInfo: undefined });
  await soon(() => expect(result.current.connectionInfo?.userId).toBe("bob"));
  await soon(async () =>
    expect((await connectionsOf(url)).map(({ userId }) => userId)).toEqual(["bob"])
  );
});

test("a connection never asks a component that moved to another user", async () => {
  const url = await serve();
  const asked: string[] = [];
  let reconnect = () => {};
  function Part({ name, userId }: { name: string; userId: string }) {
    const source = useEventSource({
      url,
      userId,
      getToken: () => {
        asked.push(`${name}: ${userId}`);
        return "";
      },
    });
    if (name === "one") reconnect = source.reconnect;
    useLayoutEffect(() => {
      if (userId !== "bob") return;
      asked.length = 0;
      reconnect(); // for ann, after React has stored the options and before it moves the component
      asked.push("end");
    }, [userId]);
    return <p>{name}: {source.status}</p>;
  }
  const app = (userId: string) => (
    <>
      <Part name="one" userId="ann" />
      <Part name="two" userId={userId} />
    </>
  );
  const { rerender } = render(app("ann"));
  await soon(() => expect(screen.getAllByText(/connected/)).toHaveLength(2));
  rerender(app("bob"));
  expect(asked.slice(0, 2)).toEqual(["two: ann", "end"]);
  await soon(() => expect(screen.getAllByText(/connected/)).toHaveLength(2));
});

for (const [name, useHook] of Object.entries({ useSocket, useSSE })) {
  test(`${name}: a room that one user may not join is joined for the next user`, async () => {
    const url = await serve(ENV);
    const token = (sub: string, channels: string[]) => commands.sign(JWT_SECRET, { sub, channels });
    const { result, rerender } = renderHook((props: HookOptions) => useHook({ url, ...props }), {
      initialProps: { token: await token("ann", ["team-a"]) } as HookOptions,
    });
    await soon(() => expect(result.current.isConnected).toBe(true));
    expect(await result.current.joinRoom("team-b")).toEqual({ joined: [], denied: ["team-b"] });
    rerender({ token: await token("bob", ["team-b"]) });
    await soon(async () =>
      expect(await connectionsOf(url)).toMatchObject([{
        userId: "bob",
        rooms: expect.arrayContaining(["team-b"]),
      }])
    );
    rerender({ token: await token("cid", []) });
    await soon(() => expect(result.current.connectionInfo?.userId).toBe("cid"));
    expect(result.current.error).toBeUndefined();
  });
}
