// createHandler as an HTTP handler: signatures, statuses, and the frameworks in which it runs.

import { expect, onTestFinished, test, vi } from "vitest";
import { createHandler } from "../../src/backend/index.ts";
import { eventBody, handlerOf, SECRET, serve, signed, signedRequest } from "./support/handler.ts";

const body = JSON.stringify(eventBody("x"));
const post = (headers: Record<string, string>, text: string = body) =>
  new Request("http://localhost/", { method: "POST", headers, body: text });

/** Registers a listener that acknowledges. */
function acknowledging<H extends { on: any }>(handler: H): H {
  handler.on("connection", (socket: any) => socket.on("x", (ack: any) => ack("ok")));
  return handler;
}

test("requests that the server did not sign are refused", async () => {
  const { handler, logged } = handlerOf();
  acknowledging(handler);
  const now = Math.floor(Date.now() / 1000);
  const good = signed(body);
  const cases: [string, Record<string, string>, string?][] = [
    ["are required", { "content-type": "application/json" }],
    ["are required", { ...good, "webhook-id": "" }],
    ["does not match", { ...good, "webhook-id": "msg_2" }],
    ["does not match", { ...good, "webhook-timestamp": `${now - 1}` }],
    ["does not match", good, body.replace('"x"', '"y"')],
    ["does not match", signed(body, { secret: Buffer.from("another secret, which is long") })],
    ["does not match", { ...good, "webhook-signature": "v1,????" }],
    ["does not match", { ...good, "webhook-signature": good["webhook-signature"]!.replace("v1,", "v1a,") }],
    ["does not match", { ...good, "webhook-signature": good["webhook-signature"]!.slice(3) }],
    ["more than 5 minutes", signed(body, { at: now - 301 })],
    ["more than 5 minutes", signed(body, { at: now + 302 })],
    ["not in seconds", { ...good, "webhook-timestamp": "1e9" }],
    ["not in seconds", { ...good, "webhook-timestamp": "-5" }],
  ];
  for (const [reason, headers, text] of cases) {
    const response = await handler.fetch(post(headers, text));
    expect(response.status, reason).toBe(401);
    expect(await response.text()).toContain(reason);
  }
  expect(new Set(logged).size).toBe(logged.length); // once a minute each
  expect(logged.length).toBe(4);
  expect((await handler.fetch(post(signed(body, { at: now - 295 })))).status).toBe(200);
});

test("a request is valid with one of its signatures and one of the secrets", async () => {
  const text = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
  const key = Buffer.from(text.slice(6), "base64");
  for (const secret of [text, [SECRET, text], `${SECRET},${text}`, `${SECRET}\n${text}\n`]) {
    const handler = acknowledging(createHandler(secret));
    const headers = signed(body, { secret: key });
    headers["webhook-signature"] = `v1,AAAA v2,x ${headers["webhook-signature"]}`;
    expect((await handler.fetch(post(headers))).status).toBe(200);
  }
});

test("secrets: the environment is read at the first request, and mistakes throw without the secret", async () => {
  for (const [secret, message] of [
    ["short", "secret 1 has 5 bytes, expected at least 24"],
    ["whsec_????????????????????", "secret 1 starts with whsec_ and is not base64"],
    ["", "secret is empty"],
  ]) expect(() => createHandler(secret!)).toThrow(message);
  const log = vi.fn();
  const handler = acknowledging(createHandler({ log }));
  vi.stubEnv("HOOK_SECRET", "");
  expect((await handler.fetch(post(signed(body)))).status).toBe(500);
  expect(String(log.mock.calls[0])).toContain("set HOOK_SECRET");
  vi.stubEnv("HOOK_SECRET", SECRET);
  expect((await handler.fetch(post(signed(body)))).status).toBe(200);
  vi.unstubAllEnvs();
});

test("the official verification example of Standard Webhooks", async () => {
  // From the specification: the signature of a known body with a known secret.
  const { verifier } = await import("../../src/backend/handler/signature.ts");
  vi.setSystemTime(new Date(1614265330_000));
  const headers: Record<string, string> = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  };
  const verify = verifier("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  const text = new TextEncoder().encode('{"test": 2432232314}');
  expect(await verify((name) => headers[name], text)).toBeUndefined();
  vi.useRealTimers();
});

test("wrong requests get the status that says why", async () => {
  const { handler } = handlerOf({ maxBody: 1000 });
  const status = async (request: Request) => {
    const response = await handler.fetch(request);
    return `${response.status} ${(await response.text()).trim()}`;
  };
  expect(await status(new Request("http://localhost/"))).toBe("405 expected POST");
  expect((await handler.fetch(new Request("http://localhost/"))).headers.get("Allow")).toBe("POST");
  expect(await status(post({ ...signed(body), "content-type": "text/plain" })))
    .toBe("415 expected application/json");
  expect(await status(signedRequest("x".repeat(1001)))).toMatch(/^413 .*1000 bytes/);
  expect(await status(signedRequest("{"))).toBe("400 the body is not JSON");
  expect(await status(signedRequest("[]"))).toMatch(/^400 type is missing/);
  expect(await status(signedRequest({ type: "event", data: {} }))).toMatch(/^400 data.connection/);
  expect(await status(signedRequest({ ...eventBody("x"), type: "else" })))
    .toBe('400 unknown type "else"');
  expect(await status(signedRequest({ type: "batch", data: {} }))).toMatch(/^400 data.events/);
  expect(await status(signedRequest({ type: "connect", data: {} }))).toMatch(/^400 data.namespace/);
  const read = signedRequest(eventBody("x"));
  await read.text();
  expect(await status(read)).toMatch(/^500 the body was read before the handler/);
});

test("Node's http module: answers, limits, and requests without an end", async () => {
  const { handler } = handlerOf({ maxBody: 1000 });
  const url = await serve(acknowledging(handler));
  const send = (text: string) => fetch(url, { method: "POST", headers: signed(text), body: text });
  const response = await send(body);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect((await response.json()).ack).toEqual(["ok"]);
  expect((await send(JSON.stringify(eventBody("nothing", [], { data: { $connected: true } } as any))))
    .status).toBe(204);
  expect((await send("x".repeat(5000))).status).toBe(413);
  const endless = new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(500)) });
  const cut = await fetch(url, {
    method: "POST",
    headers: signed(body),
    body: endless,
    duplex: "half",
  } as any).catch(() => undefined); // the connection may end while fetch still sends
  expect(cut?.status ?? 413).toBe(413);
  expect((await fetch(url)).status).toBe(405);
});

test("a server that does not wait is in the log", async () => {
  const { handler, logged } = handlerOf();
  let release = () => {};
  const waits = new Promise<void>((resolve) => release = resolve);
  let started = () => {};
  const running = new Promise<void>((resolve) => started = resolve);
  handler.on("connection", (socket) => void socket.on("x", () => {
    started();
    return waits;
  }));
  let closed = () => {};
  const ended = new Promise<void>((resolve) => closed = resolve);
  const url = await serve((request, response) => {
    response.once("close", closed);
    return handler(request, response);
  });
  const stop = new AbortController();
  const answer = fetch(url, { method: "POST", headers: signed(body), body, signal: stop.signal })
    .catch(() => {});
  await running;
  stop.abort();
  await answer;
  await ended;
  release();
  await expect.poll(() => logged).toEqual([expect.stringContaining("did not wait for an answer")]);
});

test("Express: before and behind express.json()", async () => {
  const express: any = (await import("express" as string)).default;
  const { handler, logged } = handlerOf();
  acknowledging(handler);
  const app = express();
  app.post("/before", handler);
  app.use("/raw", express.raw({ type: "*/*" }));
  app.use("/text", express.text({ type: "*/*" }));
  app.use("/kept", express.json({
    verify: (request: any, _: unknown, bytes: Buffer) => {
      request.rawBody = bytes;
    },
  }));
  app.use("/parsed", express.json());
  app.use(handler);
  const url = await serve(app);
  const send = async (path: string) => {
    const response = await fetch(`${url}${path}`, { method: "POST", headers: signed(body), body });
    return `${response.status} ${await response.text()}`;
  };
  const ok = '200 {"data":{"$connected":true},"ack":["ok"]}';
  for (const path of ["before", "raw", "text", "kept", "anything"]) expect(await send(path)).toBe(ok);
  expect(await send("parsed")).toContain("500 the body was read before the handler");
  expect(logged).toEqual([expect.stringContaining("express.json({ verify:")]);
});

test("Hono and Next.js", async () => {
  const { Hono }: any = await import("hono" as string);
  const { handler } = handlerOf();
  acknowledging(handler);
  const app = new Hono();
  app.post("/events", handler);
  app.post("/request", (c: any) => handler.fetch(c.req.raw));
  for (const path of ["/events", "/request"]) {
    const response = await app.request(path, { method: "POST", headers: signed(body), body });
    expect((await response.json()).ack).toEqual(["ok"]);
  }
  const { POST } = handler;
  expect((await (await POST(post(signed(body)))).json()).ack).toEqual(["ok"]);
  expect((await (await handler(post(signed(body)))).json()).ack).toEqual(["ok"]);
});

test("where there is no AsyncLocalStorage, as in some edge runtimes", async () => {
  const { Scopes } = await import("../../src/backend/handler/scopes.ts");
  const load = vi.spyOn(Scopes.prototype, "load").mockResolvedValue();
  onTestFinished(() => load.mockRestore());
  const { handler: io, ask } = handlerOf();
  io.on("connection", (socket) => {
    socket.emit("welcome");
    socket.on("x", async (ack) => {
      io.emit("before an await");
      await Promise.resolve();
      socket.emit("after it");
      ack();
    });
  });
  const answer = await ask(eventBody("x", [], { data: { $connected: true } } as any));
  expect(answer.emit.map(({ event }: any) => event)).toEqual(["before an await", "after it"]);
});
