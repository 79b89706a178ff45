import { expect, onTestFinished, test, vi } from "vitest";
import { connect } from "../../src/index.ts";
import { connected, listen, serve } from "./server.ts";

/** Returns the first urls of a client with these options, over WebSocket and EventSource. */
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
    connect({
      ...options,
      userId: "ann",
      transport,
      WebSocket: Never as any,
      EventSource: Never as any,
    }).close();
    return urls[0]!;
  });
}

test("the endpoints are at the origin of the page or the url, below its path", () => {
  const { origin } = location, ws = origin.replace("http", "ws");
  history.replaceState(null, "", "/deep/page?x=1#y");
  expect(urlsOf({})).toEqual([`${ws}/socket.io/`, `${origin}/sse`]);
  expect(urlsOf({ url: "https://example.com" })).toEqual([
    "wss://example.com/socket.io/",
    "https://example.com/sse",
  ]);
  expect(urlsOf({ url: "https://example.com/live/?a=1" })).toEqual([
    "wss://example.com/live/socket.io/",
    "https://example.com/live/sse",
  ]);
  expect(urlsOf({ url: "/live" })).toEqual([`${ws}/live/socket.io/`, `${origin}/live/sse`]);
  expect(urlsOf({ socketPath: "/api/socket.io", ssePath: "/api/sse" })).toEqual([
    `${ws}/api/socket.io`,
    `${origin}/api/sse`,
  ]);
  expect(urlsOf({ url: "" })).toEqual([`${ws}/socket.io/`, `${origin}/sse`]); // an empty setting
  for (const url of ["http://", "localhost:3000", "wss://example.com"])
    expect(() => connect({ url }), url).toThrow(TypeError);
});

test("a page without TLS connects without randomUUID and locks", async () => {
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
