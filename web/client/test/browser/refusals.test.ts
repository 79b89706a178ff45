import { expect, onTestFinished, test } from "vitest";
import { commands, connected, listen, network, serve, until } from "./server.ts";

const SECRET = "a-secret-of-32-bytes-for-the-tests";

/** An EventSource that the server refuses. */
class Refused {
  readyState = 2;
  onerror: (() => void) | undefined;
  constructor() {
    setTimeout(() => this.readyState === 2 && this.onerror?.());
  }
  addEventListener() {}
  close() {}
}

/** Answers requests for the stream like a proxy. */
function inFront(status: number, body = "<h1>default backend</h1>", type = "text/html") {
  const { fetch } = globalThis;
  onTestFinished(() => void (globalThis.fetch = fetch));
  globalThis.fetch = async (input, init) =>
    String(input).includes("/sse")
      ? new Response(body, { status, headers: { "Content-Type": type } }) :
      fetch(input, init);
}

const JSON_OF_A_PROXY = JSON.stringify({ code: "forbidden", detail: "no" });
const PROBLEM_OF_A_PROXY = JSON.stringify({
  type: "https://gateway.example/errors/forbidden",
  status: 403,
  code: "forbidden",
});

for (
  const [status, ...content] of [
    [401],
    [403],
    [404],
    [502],
    [403, JSON_OF_A_PROXY, "application/json"],
    [403, PROBLEM_OF_A_PROXY, "application/problem+json"],
    [403, "null", "application/problem+json"],
    [403, '{"type":"about:blank"}', "application/problem+json"],
  ] as [number, string?, string?][]
) {
  test(`a ${status} of a proxy is not final ${content.join(" ")}`, async () => {
    const url = await serve();
    const line = await network(url);
    await commands.setLine(line, "refuse");
    inFront(status, ...content);
    const client = listen({
      url: line,
      userId: "ann",
      backoff: { min: 20, max: 50 },
      EventSource: Refused as any,
    });
    await until(client, () => client.error);
    expect(client.status).toBe("reconnecting");
    expect(client.error).toMatchObject({ code: "network", message: `status ${status}` });
    await commands.setLine(line, "pass");
    await connected(client);
    expect(client.transport).toBe("socket.io");
  });
}

test("a server without streams does not stop the attempts over WebSocket", async () => {
  const url = await serve();
  const line = await network(url);
  await commands.setLine(line, "refuse");
  const client = listen({
    url: line,
    userId: "ann",
    ssePath: "/nowhere",
    backoff: { min: 20, max: 50 },
  });
  await until(client, () => client.error);
  await commands.setLine(line, "pass");
  await connected(client);
  expect(client.transport).toBe("socket.io");
});

test("the error of a stream is the reason of the refusal, not its used ticket", async () => {
  const url = await serve({ JWT_SECRET: SECRET, MAX_CONNECTIONS_PER_USER: "1" });
  const token = await commands.sign(SECRET, { sub: "ann" });
  const first = listen({ url, token, transport: "sse" });
  await connected(first);
  const second = listen({ url, token, transport: "sse", backoff: { min: 20, max: 50 } });
  await until(second, () => second.error);
  expect(second.error?.code).not.toBe("invalid_token");
  expect(second.status).toBe("reconnecting");
  first.close();
  await connected(second);
});

test("any error of getToken or getTicket has the code credentials", async () => {
  for (
    const failure of [
      new DOMException("too slow", "TimeoutError"),
      Object.assign(new Error("no network"), { code: "forbidden" }),
      "text",
      undefined,
    ]
  ) {
    for (const name of ["getToken", "getTicket"] as const) {
      const client = listen({ url: "http://127.0.0.1:1", [name]: () => Promise.reject(failure) });
      await until(client, () => client.error);
      expect(client.error?.code).toBe("credentials");
      expect(client.status).toBe("reconnecting");
      client.close();
    }
  }
});

test("a WebSocket that the page may not open counts as blocked", async () => {
  const url = await serve();
  class Forbidden {
    constructor() {
      throw new DOMException("an insecure connection from a secure page", "SecurityError");
    }
  }
  const client = listen({ url, userId: "ann", WebSocket: Forbidden as any });
  await connected(client);
  expect(client.transport).toBe("sse");
});

test("the client tries a full server again later", async () => {
  const url = await serve({ SSE_MAX_CONNECTIONS: "1" });
  const first = listen({ url, userId: "ann", transport: "sse" });
  await connected(first);
  const second = listen({ url, userId: "bob", transport: "sse", backoff: { min: 20, max: 50 } });
  await until(second, () => second.error);
  expect([second.status, second.error?.code]).toEqual(["reconnecting", "unavailable"]);
  first.close();
  await connected(second);
});

test("a stream whose ticket is used up connects with another one", async () => {
  const url = await serve({ JWT_SECRET: SECRET });
  let broken = true;
  /** The network breaks after the server has taken the ticket. */
  class Broken extends Refused {
    constructor(url: URL) {
      super();
      this.readyState = 0;
      void fetch(url).then(({ body }) => {
        void body?.cancel();
        this.readyState = 2;
        this.onerror?.();
      });
    }
  }
  const Source = function(url: URL) {
    return broken ? new Broken(url) : new EventSource(url);
  };
  const client = listen({
    url,
    token: await commands.sign(SECRET, { sub: "ann" }),
    transport: "sse",
    backoff: { min: 20, max: 50 },
    EventSource: Source as any,
  });
  await until(client, () => client.error);
  broken = false;
  await connected(client);
});
