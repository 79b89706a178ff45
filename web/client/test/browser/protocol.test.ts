import { expect, test, vi } from "vitest";
import { connected, listen, next, serve, until } from "./server.ts";

const EMITTER = "./web/e2e/emitter";

/**
 * Returns a WebSocket class with a scripted server. answer: called with each message of the client.
 */
function scripted(answer: (message: string, say: (message: unknown) => void) => void) {
  const sockets: any[] = [];
  class Socket {
    readyState = 0;
    sent: string[] = [];
    onmessage: ((event: { data: unknown }) => void) | null = null;
    onclose: ((event: { reason: string }) => void) | null = null;
    constructor() {
      sockets.push(this);
      setTimeout(() => {
        this.readyState = 1;
        this
          .say('0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}');
      });
    }
    say = (data: unknown) => this.onmessage?.({ data });
    send(message: string) {
      this.sent.push(message);
      answer(message, this.say);
    }
    close() {
      this.readyState = 3;
    }
  }
  return { Socket: Socket as any, sockets };
}

const welcome = (message: string, say: (message: unknown) => void) => {
  if (!message.startsWith("40")) return;
  say('40{"sid":"c1"}');
  say('42["connected",{"type":"connected","clientId":"c1","userId":"ann"},"00000001-1"]');
};

test("a client gives up a server that sends pings without a CONNECT reply", async () => {
  const { Socket, sockets } = scripted((message, say) =>
    message.startsWith("40") && say('40{"sid":"c1"}')
  );
  const alive = setInterval(() => sockets.at(-1)?.say("2"), 20);
  const client = listen({
    url: "http://127.0.0.1:1",
    userId: "ann",
    transport: "socket.io",
    timeout: 100,
    backoff: { min: 20 },
    WebSocket: Socket,
  });
  await until(client, () => client.error, "the end of patience").finally(() =>
    clearInterval(alive)
  );
  expect(client.error).toMatchObject({ code: "network", message: "no sign of the server" });
  expect(sockets[0].readyState).toBe(3);
});

test("unknown packets are ignored", async () => {
  const { Socket, sockets } = scripted(welcome);
  const client = listen({
    url: "http://127.0.0.1:1",
    userId: "ann",
    transport: "socket.io",
    pingInterval: 0,
    WebSocket: Socket,
  });
  await connected(client);
  const [socket] = sockets;
  for (const text of ["6", "3probe", "5", "9?", "", '43999["late"]']) socket.say(text);
  socket.say("2probe");
  expect(socket.sent.at(-1)).toBe("3probe");
  const came = next(client, "note");
  socket.say('42["note",1,"00000001-2"]');
  expect(await came).toMatchObject({ id: "00000001-2", data: 1 });
  expect(client.status).toBe("connected");
});

test("an unreadable packet ends the connection, and the next one resumes before it", async () => {
  for (const packet of ["4", "4x", "42{", new ArrayBuffer(1)]) {
    const { Socket, sockets } = scripted(welcome);
    const client = listen({
      url: "http://127.0.0.1:1",
      userId: "ann",
      transport: "socket.io",
      backoff: { min: 10 },
      WebSocket: Socket,
    });
    await connected(client);
    const lost = next(client, "disconnect");
    sockets[0].say(packet);
    expect((await lost).reason).toMatch("unreadable packet");
    await connected(client);
    expect(sockets[1].sent[0]).toContain('"since":"00000001-1"');
    client.close();
  }
});

test("a placeholder without attachments is data", async () => {
  const url = await serve({}, EMITTER);
  const client = listen({ url, userId: "ann", channels: ["lobby"], transport: "socket.io" });
  await connected(client);
  const came = next(client, "note");
  client.emit("emit", "lobby", "note", { part: { _placeholder: true, num: 0 } });
  expect((await came).data).toEqual({ part: { _placeholder: true, num: 0 } });
});

test("Go code can emit events with the names of control events", async () => {
  const begin = vi.spyOn(globalThis, "setInterval"), end = vi.spyOn(globalThis, "clearInterval");
  const { Socket, sockets } = scripted(welcome);
  const client = listen({
    url: "http://127.0.0.1:1",
    userId: "ann",
    transport: "socket.io",
    pingInterval: 60_000,
    WebSocket: Socket,
  });
  await connected(client);
  const errors: any[] = [];
  client.on("error", (error) => errors.push(error.message));
  sockets[0].say('42["error","in words","00000001-2"]');
  sockets[0].say('42["error","00000001-3"]');
  sockets[0].say('42["connected","00000001-4"]');
  sockets[0].say('42["connected",{},"00000001-5"]');
  expect(errors).toEqual(["in words", ""]);
  expect([client.status, client.clientId, client.lastId]).toEqual([
    "connected",
    "c1",
    "00000001-5",
  ]);
  client.close();
  const timers = begin.mock.results.map(({ value }) => value),
    ended = end.mock.calls.map(([timer]) => timer);
  expect(timers.filter((timer) => !ended.includes(timer))).toEqual([]);
  begin.mockRestore();
  end.mockRestore();
});

test("the client waits as long as the server asks", async () => {
  const times: number[] = [];
  const { Socket } = scripted((message, say) => {
    if (!message.startsWith("40")) return;
    times.push(performance.now());
    if (times.length > 1) return welcome(message, say);
    say('44{"message":"Rate limit exceeded","data":{"code":"rate_limited","retryAfter":0.3}}');
  });
  const client = listen({
    url: "http://127.0.0.1:1",
    userId: "ann",
    backoff: { min: 1 },
    WebSocket: Socket,
  });
  const errors: any[] = [];
  client.on("error", ({ code, retryAfter }) => errors.push([code, retryAfter]));
  await connected(client);
  expect(errors).toEqual([["rate_limited", 0.3]]);
  expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(300);
});

test("the waits start again after a connection", async () => {
  const { Socket, sockets } = scripted(welcome);
  const client = listen({
    url: "http://127.0.0.1:1",
    userId: "ann",
    transport: "socket.io",
    backoff: { min: 20, max: 60_000 },
    WebSocket: Socket,
  });
  for (let round = 0; round < 20; round++) { // otherwise the last wait is at least 30 s
    await connected(client);
    sockets.at(-1).onclose({ reason: "" });
    expect(client.status).toBe("reconnecting");
  }
  await until(client, () => client.status === "connected", "the connection", 20_000);
});

test("a channel that was left during its join is not joined again", async () => {
  const { Socket, sockets } = scripted((message, say) => {
    welcome(message, say);
    const ask = /^42(\d+)\["(?:un)?subscribe"/.exec(message);
    if (ask) setTimeout(() => say(`43${ask[1]}[{}]`));
  });
  const client = listen({
    url: "http://127.0.0.1:1",
    userId: "ann",
    transport: "socket.io",
    backoff: { min: 10 },
    WebSocket: Socket,
  });
  await connected(client);
  await Promise.all([
    client.join("a"),
    client.leave("a"),
    client.join("b"),
    client.leave("b"),
    client.join("b"),
  ]);
  sockets[0].onclose({ reason: "" });
  await connected(client);
  expect(JSON.parse(sockets[1].sent[0].slice(2)).channels).toEqual(["b"]);
});

test("a request that timed out is not sent", async () => {
  let ready = false;
  const { Socket, sockets } = scripted((message, say) => ready && welcome(message, say));
  const client = listen({
    url: "http://127.0.0.1:1",
    userId: "ann",
    transport: "socket.io",
    timeout: 100,
    pingInterval: 0,
    backoff: { min: 200 },
    WebSocket: Socket,
  });
  await expect(client.send("room", 1)).rejects.toMatchObject({ code: "timeout" });
  ready = true;
  await connected(client);
  expect(sockets.at(-1).sent.filter((text: string) => text.startsWith("42"))).toEqual([]);
});

test("the client answers a ping, and close() sends a DISCONNECT packet", async () => {
  const { Socket, sockets } = scripted(welcome);
  const client = listen({
    url: "http://127.0.0.1:1",
    userId: "ann",
    transport: "socket.io",
    pingInterval: 0,
    WebSocket: Socket,
  });
  await connected(client);
  sockets[0].say("2");
  client.close();
  expect(sockets[0].sent.slice(1)).toEqual(["3", "41"]);
});

test("a refused second join leaves the channel joined", async () => {
  let refuse = false;
  const { Socket, sockets } = scripted((message, say) => {
    welcome(message, say);
    const ask = /^42(\d+)\["subscribe"/.exec(message);
    if (ask) say(`43${ask[1]}[${refuse ? '{"error":{"code":"rate_limited"}}' : "{}"}]`);
  });
  const client = listen({
    url: "http://127.0.0.1:1",
    userId: "ann",
    transport: "socket.io",
    backoff: { min: 10 },
    WebSocket: Socket,
  });
  await connected(client);
  await client.join("a");
  refuse = true;
  await expect(client.join("a", "b")).rejects.toMatchObject({ code: "rate_limited" });
  sockets[0].onclose({ reason: "" });
  await connected(client);
  expect(JSON.parse(sockets[1].sent[0].slice(2)).channels).toEqual(["a"]);
});
