// createHandler: the connect hook and webhooks, with requests that the tests sign.

import { expect, test } from "vitest";
import { refusal } from "../../src/backend/index.ts";
import { eventBody, handlerOf, signedRequest } from "./support/handler.ts";

const connectBody = (data: object = {}) => ({
  type: "connect",
  id: "msg_1",
  timestamp: "2026-11-22T10:00:00.000Z",
  data: {
    namespace: "/",
    auth: { token: "t" },
    query: {},
    headers: { cookie: "sid=1" },
    ip: "192.0.2.7",
    transport: "websocket",
    ...data,
  },
});

test("connect answers who a client is", async () => {
  const { ask, logged } = handlerOf({
    connect: async ({ auth, query, headers, ip, transport, namespace }) => {
      if (auth.token === "none") return undefined as any;
      if (auth.token === "defect") throw new Error("the database is away");
      if (auth.token !== "t") throw refusal("Sign in", { code: "signed_out" }, 401);
      return {
        userId: "u1",
        data: { query, headers, ip, transport, namespace },
        expiresAt: new Date(0),
      };
    },
  });
  expect(await ask(connectBody())).toEqual({
    userId: "u1",
    data: {
      query: {},
      headers: { cookie: "sid=1" },
      ip: "192.0.2.7",
      transport: "websocket",
      namespace: "/",
    },
    expiresAt: "1970-01-01T00:00:00.000Z",
  });
  expect(await ask(connectBody({ auth: {} })))
    .toBe('401 {"message":"Sign in","data":{"code":"signed_out"}}');
  expect(logged).toEqual([]);
  expect(await ask(connectBody({ auth: { token: "none" } }))).toMatch(/^500/);
  expect(await ask(connectBody({ auth: { token: "defect" } }))).toMatch(/^500/);
  expect(logged.map((line) => line.split(": ").slice(1).join(": "))).toEqual([
    "connect failed: TypeError: connect returned undefined: expected {userId, …}, or {} for an anonymous client",
    "connect failed: Error: the database is away",
  ]);
});

test("without connect nobody is let in", async () => {
  const { ask, logged } = handlerOf();
  expect(await ask(connectBody())).toMatch(/^501/);
  expect(logged.length).toBe(1);
});

test("use: middlewares of a Node server are asked in the connect hook", async () => {
  const { handler: io, ask, logged } = handlerOf({ connect: () => ({ userId: "u1", rooms: ["all"] }) });
  io.use((socket, next) => {
    if (socket.handshake.auth.token !== "t") {
      const error: Error & { data?: unknown } = new Error("not authorized");
      error.data = { retry: false };
      return next(error);
    }
    socket.data.address = socket.handshake.address;
    socket.join("signed-in");
    next();
  });
  io.use(async (socket, next) => {
    await Promise.resolve();
    socket.data.nsp = socket.nsp.name;
    next();
  });
  io.on("connection", (socket) => void socket.on("x", (ack) => ack(socket.data)));
  const answer = await ask(connectBody());
  expect(answer).toEqual({
    userId: "u1",
    rooms: ["all", "signed-in"],
    data: { $admitted: true, address: "192.0.2.7", nsp: "/" },
  });
  expect(await ask(connectBody({ auth: {} })))
    .toBe('403 {"message":"not authorized","data":{"retry":false}}');
  expect((await ask(eventBody("x", [], { data: answer.data } as any))).ack)
    .toEqual([{ address: "192.0.2.7", nsp: "/" }]);
  expect(logged).toEqual([]);
  // Without CONNECT_URL the middlewares have not seen the client.
  expect((await ask(eventBody("x"))).ack).toEqual([{ error: { code: "internal" } }]);
  expect(logged[0]).toContain("set CONNECT_URL");
});

test("webhook gets each event of a batch, in order, and single events", async () => {
  const seen: string[] = [];
  let fail = false;
  const { ask, logged } = handlerOf({
    webhook: async ({ type, id, timestamp, data }) => {
      await Promise.resolve();
      if (fail) throw new Error("the database is away");
      seen.push(`${type} ${id} ${timestamp} ${data.user}`);
    },
  });
  const event = (type: string, user: string) => ({ type, id: `evt_${user}`, timestamp: "t", data: { user } });
  const batch = (...events: object[]) => ({ type: "batch", id: "msg_1", timestamp: "t", data: { events } });
  expect(await ask(batch(event("user.online", "a"), event("user.offline", "b")))).toBeUndefined();
  expect(await ask(event("channel.occupied", "c"))).toBeUndefined();
  expect(seen).toEqual([
    "user.online evt_a t a",
    "user.offline evt_b t b",
    "channel.occupied evt_c t c",
  ]);
  fail = true;
  expect(await ask(batch(event("user.online", "a")))).toMatch(/^500/); // the server sends it again
  expect(logged).toEqual(["roomcast: the webhook user.online failed: Error: the database is away"]);
  expect(await handlerOf().ask(batch())).toMatch(/^501/);
});

test("a connect answer for a stream has no socket", async () => {
  const { handler, ask } = handlerOf({ connect: ({ transport }) => ({ userId: transport }) });
  expect(await ask(connectBody({ transport: "sse" }))).toEqual({ userId: "sse" });
  expect((await handler.fetch(signedRequest(connectBody()))).headers.get("content-type"))
    .toBe("application/json");
});
