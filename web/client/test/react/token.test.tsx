import { renderHook } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { useEventSource, useSocket, type HookOptions } from "../../src/react/index.ts";
import { commands, connections, connectionsOf, JWT_SECRET, opened, serve, soon, tell } from "./harness.ts";

const ENV = { AUTH_MODE: "token", JWT_SECRET };
const tokenOf = (sub: string, seconds?: number, secret = JWT_SECRET) => commands.sign(secret, { sub }, seconds);

for (const [name, useHook] of Object.entries({ useSocket, useEventSource })) {
  const use = (options: HookOptions) => renderHook((props: HookOptions) => useHook(props), { initialProps: options });

  test(`${name}: a refused token is an error, until there is another`, async () => {
    const url = await serve(ENV);
    const { result, rerender } = use({ url, token: await tokenOf("ann", 600, JWT_SECRET.replaceAll("0", "x")) });
    const errors: string[] = [];
    result.current.addHandler("error", ({ code }) => errors.push(code));
    await soon(() => expect(result.current).toMatchObject({ status: "closed", error: { code: "invalid_token" } }));
    rerender({ url, token: await tokenOf("ann") });
    await soon(() => expect(result.current).toMatchObject({ status: "connected", error: undefined }));
    expect(await connectionsOf(url)).toMatchObject([{ userId: "ann" }]);
    expect(errors).toEqual(["invalid_token"]); // asked once, not over and over
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

  test(`${name}: a token that is about to end is renewed by the newest`, async () => {
    const url = await serve(ENV);
    // It ends in 32 s, so the server asks for another one in 2; by then the component has it.
    const { result, rerender } = use({ url, token: await tokenOf("ann", 32) });
    const refreshed = vi.fn();
    result.current.addHandler("auth:refreshed", refreshed);
    const asked = vi.spyOn(globalThis, "fetch");
    await soon(() => expect(result.current.status).toBe("connected"));
    const next = await tokenOf("ann", 900);
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
      return useHook({ url, getToken: () => { asked.push(n); return token; } });
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

test("without any credentials the refusal is an error", async () => {
  const url = await serve(ENV);
  const { result } = renderHook(() => useEventSource({ url, userId: "ann" }));
  await soon(() => expect(result.current).toMatchObject({ connected: false, status: "closed", error: { code: "unauthenticated" } }));
});

test("a token of another user than userId is refused, until there is the right one", async () => {
  const url = await serve(ENV);
  const { result, rerender } = renderHook(({ token }) => useEventSource({ url, userId: "ann", token }), { initialProps: { token: await tokenOf("bob") } });
  await soon(() => expect(result.current).toMatchObject({ status: "closed", error: { code: "invalid_token" } }));
  rerender({ token: await tokenOf("ann") });
  await soon(() => expect(result.current.connected).toBe(true));
  expect(opened(url)).toBe(1); // the refusal came before the stream
});

test("a token that has not loaded is waited for", async () => {
  const url = await serve(ENV);
  const { result, rerender } = renderHook(({ token }: { token: string | null }) => useSocket({ url, token }), { initialProps: { token: null } as { token: string | null } });
  expect(result.current).toMatchObject({ status: "idle", error: undefined });
  rerender({ token: await tokenOf("ann") });
  await soon(() => expect(result.current.isConnected).toBe(true));
  expect(opened(url)).toBe(1);
});
