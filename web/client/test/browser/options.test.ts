import { expect, onTestFinished, test, vi } from "vitest";
import { connect } from "../../src/index.ts";
import { connected, listen, serve } from "./server.ts";

/** The urls that a client with these options opens first, by websocket and by stream. */
function urlsOf(options: { url?: string; socketPath?: string; ssePath?: string }): string[] {
  return (["socket.io", "sse"] as const).map((transport) => {
    const urls: string[] = [];
    class Never extends EventTarget {
      constructor(url: URL) {
        super();
        urls.push(url.origin + url.pathname);
      }

      close() {}
    }
    connect({ ...options, userId: "ann", transport, WebSocket: Never as any, EventSource: Never as any }).close();
    return urls[0]!;
  });
}

test("the endpoints are at the page's origin, at the server's, or below its path", () => {
  const { origin } = location, ws = origin.replace("http", "ws");
  history.replaceState(null, "", "/deep/page?x=1#y");
  expect(urlsOf({})).toEqual([`${ws}/socket.io/`, `${origin}/sse`]);
  expect(urlsOf({ url: "https://example.com" })).toEqual(["wss://example.com/socket.io/", "https://example.com/sse"]);
  expect(urlsOf({ url: "https://example.com/live/?a=1" })).toEqual(["wss://example.com/live/socket.io/", "https://example.com/live/sse"]);
  expect(urlsOf({ url: "/live" })).toEqual([`${ws}/live/socket.io/`, `${origin}/live/sse`]);
  expect(urlsOf({ socketPath: "/api/socket.io", ssePath: "/api/sse" })).toEqual([`${ws}/api/socket.io`, `${origin}/api/sse`]);
  expect(urlsOf({ url: "" })).toEqual([`${ws}/socket.io/`, `${origin}/sse`]); // a setting that is not set
  for (const url of ["http://", "localhost:3000", "wss://example.com"]) expect(() => connect({ url }), url).toThrow(TypeError);
});

test("a page without TLS lacks some of the browser, and connects all the same", async () => {
  const url = await serve();
  const missing = vi.spyOn(crypto, "randomUUID").mockImplementation(undefined as any);
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
  Object.defineProperty(navigator, "locks", { value: undefined, configurable: true });
  onTestFinished(() => {
    delete (crypto as any).randomUUID;
    delete (navigator as any).locks;
    missing.mockRestore();
  });
  const client = listen({ url, userId: "ann", shared: true });
  await connected(client);
  expect(client.transport).toBe("socket.io");
});
