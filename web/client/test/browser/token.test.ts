import { expect, onTestFinished, test } from "vitest";
import { commands, connected, listen, next, serve, until } from "./server.ts";

const SECRET = "a-secret-of-32-bytes-for-the-tests";
const both = ["socket.io", "sse"] as const;

/** Records all urls that this page requests. */
function watchUrls(): string[] {
  const urls: string[] = [];
  const kept = {
    fetch: globalThis.fetch,
    EventSource: globalThis.EventSource,
    WebSocket: globalThis.WebSocket,
  };
  onTestFinished(() => void Object.assign(globalThis, kept));
  globalThis.fetch = (input, init) => {
    urls.push(String(input));
    return kept.fetch.call(globalThis, input, init);
  };
  for (const name of ["EventSource", "WebSocket"] as const) {
    (globalThis as any)[name] = class extends (kept[name] as any) {
      constructor(url: URL, more: any) {
        urls.push(String(url));
        super(url, more);
      }
    };
  }
  return urls;
}

test("both transports use the token, which appears in no url and no debug line", async () => {
  const url = await serve({ JWT_SECRET: SECRET, LOG_LEVEL: "debug" });
  const token = await commands.sign(SECRET, {
    sub: "ann",
    channels: ["team-*"],
    publish: ["team-*"],
  });
  const urls = watchUrls(), lines: string[] = [];
  const debug = console.debug;
  onTestFinished(() => void (console.debug = debug));
  console.debug = (...what) =>
    lines
      .push(what.map((part) => typeof part === "string" ? part : JSON.stringify(part)).join(" "));
  for (const transport of both) {
    const client = listen({ url, token, transport, debug: true });
    await connected(client);
    expect(client.connection).toMatchObject({ userId: "ann" });
    expect(await client.join("team-1", "other")).toEqual({ joined: ["team-1"], denied: ["other"] });
    const came = next(client, "message");
    expect(await client.send("team-1", `hello by ${transport}`, { mood: "good" })).toMatchObject({
      delivered: 1,
      stored: true,
    });
    expect((await came).data).toMatchObject({
      room: "team-1",
      message: `hello by ${transport}`,
      from: { userId: "ann" },
      metadata: { mood: "good" },
    });
    await expect(client.send("other", "x")).rejects.toMatchObject({ code: "forbidden" });
    await client.leave("team-1");
    expect(await client.send("team-1", "gone")).toMatchObject({ delivered: 0 });
    client.close();
  }
  const secret = token.split(".")[2]!;
  expect(urls.some((one) => one.includes("/sse?ticket="))).toBe(true);
  expect([...urls, ...lines, await commands.serverLog(url)].filter((text) => text.includes(secret)))
    .toEqual([]);
  expect(lines[0])
    .toMatch(/^\[roomcast\] connect socket\.io http:\/\/127\.0\.0\.1:\d+\/socket\.io\//);
  expect(lines.some((line) => line.startsWith("[roomcast] close"))).toBe(true);
});

test("the token is in the url with tokenInUrl only", async () => {
  const url = await serve({ JWT_SECRET: SECRET });
  const token = await commands.sign(SECRET, { sub: "ann" });
  const urls = watchUrls();
  const client = listen({ url, token, transport: "sse", tokenInUrl: true });
  await connected(client);
  expect(urls).toHaveLength(1);
  expect(urls[0]).toContain(`token=${token}`);
});

test("getToken renews an open connection before its token expires", async () => {
  const url = await serve({ JWT_SECRET: SECRET });
  for (const transport of both) {
    let asked = 0;
    // The server sends auth:expiring at once for the first token, which has less than 30 s. The
    // line end is that of a command or a file.
    const client = listen({
      url,
      transport,
      getToken: async () => `${await commands.sign(SECRET, { sub: "ann" }, asked++ ? 600 : 20)}\n`,
    });
    await connected(client);
    const id = client.clientId;
    expect(Date.parse((await next(client, "auth:refreshed")).expiresAt))
      .toBeGreaterThan(Date.now() + 500_000);
    expect(asked).toBe(2);
    expect(client.clientId).toBe(id);
  }
});

test("a refused token closes the client, or makes it ask for another one", async () => {
  const url = await serve({ JWT_SECRET: SECRET, AUTH_FAILURES: "0" });
  const old = await commands.sign(SECRET, { sub: "ann" }, -600);
  for (const transport of [...both, "auto"] as const) {
    const client = listen({ url, token: old, transport });
    await until(client, () => client.status === "closed");
    expect(client.error).toMatchObject({ code: "token_expired" });

    let asked = 0;
    const patient = listen({
      url,
      transport,
      backoff: { min: 20 },
      getToken: () => asked++ ? commands.sign(SECRET, { sub: "ann" }) : old,
    });
    await connected(patient);
    expect(asked).toBe(2);
    expect(patient.error).toBeUndefined();
  }
});

test("the client calls getToken again after an error or a timeout", async () => {
  const url = await serve({ JWT_SECRET: SECRET });
  let asked = 0;
  const client = listen({
    url,
    backoff: { min: 20 },
    timeout: 200,
    getToken: () => {
      if (++asked === 1) throw new Error("not logged in yet");
      return asked === 2 ? new Promise<string>(() => {}) : commands.sign(SECRET, { sub: "ann" });
    },
  });
  await until(client, () => client.error?.message === "not logged in yet");
  await connected(client);
  expect(asked).toBe(3);
});

test("getTicket opens both transports, with one ticket for each connection", async () => {
  const url = await serve({ AUTH_MODE: "ticket" });
  for (const transport of both) {
    let asked = 0;
    const client = listen({
      url,
      transport,
      backoff: { min: 20 },
      getTicket: async () => {
        asked++;
        return ((await commands.api(url, "POST", "/v1/tickets", {
          userId: "ann",
          channels: ["orders"],
        })).json as any).ticket;
      },
    });
    await connected(client);
    expect(client.connection?.userId).toBe("ann");
    expect(await client.join("orders", "other")).toEqual({ joined: ["orders"], denied: ["other"] });
    client.reconnect();
    await until(client, () => client.status !== "connected");
    await connected(client);
    expect(asked).toBeGreaterThan(1);
  }
});

test("a disconnect by the server is final until reconnect()", async () => {
  const url = await serve();
  for (const transport of both) {
    const client = listen({ url, userId: "ann", transport, backoff: { min: 20 } });
    await connected(client);
    await commands.api(url, "DELETE", "/v1/users/ann/connections");
    await until(client, () => client.status === "closed");
    expect(client.error?.code).toBe("disconnected");
    client.reconnect();
    await connected(client);
    expect(client.error).toBeUndefined();
    client.close();
  }
});

test("a stream uses its newest token", async () => {
  const url = await serve({ JWT_SECRET: SECRET });
  const shown: (string | null)[] = [], tokens: string[] = [], { fetch } = globalThis;
  onTestFinished(() => void (globalThis.fetch = fetch));
  globalThis.fetch = (input, init) => {
    shown.push(new Headers(init?.headers).get("Authorization"));
    return fetch(input, init);
  };
  const client = listen({
    url,
    transport: "sse",
    getToken: async () =>
      tokens[
        tokens
          .push(await commands.sign(
            SECRET,
            { sub: "ann", channels: ["a"] },
            tokens.length ? 600 : 20,
          )) - 1
      ]!,
  });
  await connected(client);
  await expect.poll(() => shown.length).toBe(2); // for a ticket, and for the renewal
  expect(await client.join("a")).toEqual({ joined: ["a"], denied: [] });
  expect(shown.at(-1)).toBe("Bearer " + tokens[1]);
});
