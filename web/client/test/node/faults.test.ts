// The backend functions never reject, with a server that is down, slow, full or a different
// program.

import { expect, test, vi } from "vitest";
import { createBackend } from "../../src/backend/index.ts";
import { API_KEY } from "../../../e2e/harness.mjs";
import { Front } from "./support/front.ts";
import { backendOf, openReader, startServer } from "./support/server.ts";

const pay = ["p_81", "completed", { customerId: "ann", amount: 9.99 }] as const;

test("without a server, calls resolve within the timeout", async () => {
  const server = await startServer();
  const timeout = 20_000, backend = backendOf(server.url, { timeout });
  expect(await backend.sendPaymentNotification(...pay)).toBe(0);
  await server.signal("SIGKILL");
  const start = performance.now();
  const results = await Promise.all([
    backend.sendPaymentNotification(...pay),
    backend.sendPaymentNotification(...pay, "client", "c1"),
    backend.notifyUser("ann", "Hello"),
    backend.sendMultiUserNotification(["ann", "bob", "ann"], "note", {}),
    backend.SSEManager.broadcast("note"),
    backend.SSEManager.getConnections(),
    backend.SSEManager.isUserOnline("ann"),
    backend.SSEManager.getUserClients("ann"),
    backend.SSEManager.disconnectClient("c1"),
    backend.SSEManager.disconnectUser("ann"),
    backend.joinChannel({ user: "ann" }, "news"),
    backend.leaveChannel({ client: "c1" }, "news"),
    backend.issueTicket("ann"),
    backend.getHistory({ user: "ann" }, { since: "5f3a9c01-7" }),
  ]);
  expect(performance.now() - start).toBeLessThan(timeout);
  expect(results).toEqual([
    0,
    false,
    0,
    { success: 0, failed: 2, total: 2 },
    0,
    { total: 0, clients: [], activeUsers: new Set() },
    false,
    [],
    false,
    0,
    0,
    0,
    undefined,
    { notifications: [], gap: false, cursor: "5f3a9c01-7" },
  ]);
  // Once for each call, whatever the number of attempts.
  expect(backend.faults.errors.map(({ function: name }) => name).sort()).toEqual([
    "SSEManager.broadcast",
    "SSEManager.disconnectClient",
    "SSEManager.disconnectUser",
    "SSEManager.getConnections",
    "SSEManager.getUserClients",
    "SSEManager.isUserOnline",
    "getHistory",
    "issueTicket",
    "joinChannel",
    "leaveChannel",
    "notifyUser",
    "sendMultiUserNotification",
    "sendPaymentNotification",
    "sendPaymentNotification",
  ]);
  expect(backend.faults.errors.every(({ code, attempt }) => code === "network" && attempt === 3))
    .toBe(true);
  expect(backend.faults.lines).toHaveLength(14);
  expect(backend.faults.lines[0])
    .toMatch(/^roomcast: \S+ failed after 3 attempts: connect ECONNREFUSED 127\.0\.0\.1:\d+ \(network\)$/);

  await server.up();
  expect(await backend.SSEManager.isUserOnline("ann")).toBe(false);
  expect(backend.faults.lines).toHaveLength(14);
});

test("a send to thousands ends with the first step that fails, and reports it once", async () => {
  const server = await startServer();
  const front = await Front.of(server);
  const { faults, ...backend } = backendOf(front.url, { retries: 0 });
  await openReader(server, { userId: "u5" });
  await openReader(server, { userId: "u2999" });
  const users = Array.from({ length: 5000 }, (_, n) => `u${n}`);
  front.next = ["pass", "break"];
  expect(await backend.sendMultiUserNotification(users, "note", {})).toEqual({
    success: 1,
    failed: 4999,
    total: 5000,
  });
  expect(front.requests).toHaveLength(2);
  expect(faults.lines).toHaveLength(1);
});

test("reads never use a cache of fetch, and an incomplete list counts as none", async () => {
  const server = await startServer();
  const caches: unknown[] = [];
  const { faults, ...backend } = backendOf(server.url, {
    retries: 0,
    fetch: async (input, init) => {
      caches.push(init?.cache);
      if (`${input}`.includes("cursor=")) throw new TypeError("down");
      return Response.json({
        connections: [{ clientId: "c1", userId: "ann", rooms: [] }],
        next: "2",
      });
    },
  });
  expect(await backend.SSEManager.getConnections()).toEqual({
    total: 0,
    clients: [],
    activeUsers: new Set(),
  });
  expect(caches).toEqual(["no-store", "no-store"]);
  expect(faults.errors.map(({ function: name }) => name)).toEqual(["SSEManager.getConnections"]);
});

test("a refusal is reported with the field and the reason, and not tried again", async () => {
  const server = await startServer();
  const front = await Front.of(server);
  const { faults, ...backend } = backendOf(front.url);
  expect(await backend.sendPaymentNotification("p_81", "completed", {
    customerId: "ann",
    amount: "9.99" as any,
  })).toBe(0);
  expect(await backend.SSEManager.sendToClient("c1", "connect")).toBe(false);
  expect(await backend.SSEManager.sendToUser("ann", "big", 1n)).toBe(0);
  expect(await backend.SSEManager.broadcast({ type: "x", idempotencyKey: "ключ" })).toBe(0);
  expect(faults.errors).toEqual([
    {
      code: "validation",
      status: 400,
      field: "data.amount",
      function: "sendPaymentNotification",
      attempt: 1,
    },
    {
      code: "validation",
      status: 400,
      field: "type",
      function: "SSEManager.sendToClient",
      attempt: 1,
    },
    {
      code: "validation",
      status: undefined,
      field: undefined,
      function: "SSEManager.sendToUser",
      attempt: 1,
    },
    {
      code: "validation",
      status: undefined,
      field: "idempotencyKey",
      function: "SSEManager.broadcast",
      attempt: 1,
    },
  ]);
  expect(faults.lines[0])
    .toMatch(/^roomcast: sendPaymentNotification failed: data\.amount: got the string "9\.99", expected a number \(validation, 400, request [0-9a-f-]+\)$/);
  expect(front.requests).toHaveLength(2);
});

test("a refused key is reported, and appears in no text", async () => {
  const server = await startServer();
  const errors = vi.spyOn(console, "error").mockImplementation(() => {});
  const refused = createBackend({ url: server.url, apiKey: "wrong-key-of-mine" });
  expect(await refused.sendPaymentNotification(...pay)).toBe(0);
  expect(errors.mock.calls).toEqual([[
    expect
      .stringMatching(/^roomcast: sendPaymentNotification failed: .* \(forbidden, 403, request /),
  ]]);
  for (const apiKey of ["secret\nkey", "sécret-key", "secret key"]) {
    const call = () => createBackend({ url: server.url, apiKey }).notifyUser("ann", "x");
    expect(call).toThrow(TypeError("roomcast: apiKey has characters that no header can carry"));
  }
  const spaced = createBackend({ url: server.url, apiKey: ` ${API_KEY}\n` }); // as in a file
  expect(await spaced.issueTicket("ann")).toEqual({
    ticket: expect.any(String),
    expiresAt: expect.any(String),
  });
  expect(JSON.stringify(errors.mock.calls)).not.toMatch(/wrong-key|secret/);
});

test("an answer of another program is reported, and the key goes to no other address", async () => {
  const server = await startServer();
  const front = await Front.of(server);
  const { faults, ...backend } = backendOf(front.url);
  front.next = [{ status: 200, body: "<!doctype html>" }, {
    status: 308,
    headers: { Location: `${server.url}/v1/users/ann` },
  }, { status: 404, body: "Not Found" }];
  for (let i = 0; i < 3; i++) expect(await backend.SSEManager.isUserOnline("ann")).toBe(false);
  expect(faults.errors.map(({ code, status }) => [code, status])).toEqual([
    ["invalid_response", 200],
    ["invalid_response", 308],
    ["invalid_response", 404],
  ]);
  expect(front.requests).toHaveLength(3);
  faults.errors.length = 0;
  const other = { status: 200, body: '{"ok":true}' }; // of another application
  front.next = [{ status: 200, body: '{"connections":null}' }];
  expect(await backend.SSEManager.getConnections()).toEqual({
    total: 0,
    clients: [],
    activeUsers: new Set(),
  });
  expect(faults.errors.map(({ code }) => code)).toEqual(["invalid_response"]);
  faults.errors.length = 0;
  front.next = [other, other, other, { status: 200, body: "null" }, {
    status: 404,
    headers: { "Content-Type": "application/json" },
    body: '{"code":"not_found"}', // the code of a connection that does not exist
  }];
  expect(await backend.sendPaymentNotification(...pay)).toBe(0);
  expect(await backend.SSEManager.getConnections()).toEqual({
    total: 0,
    clients: [],
    activeUsers: new Set(),
  });
  expect(await backend.sendMultiUserNotification(["ann"], "note", {})).toEqual({
    success: 0,
    failed: 1,
    total: 1,
  });
  expect(await backend.joinChannel({ user: "ann" }, "news")).toBe(0);
  expect(await backend.SSEManager.disconnectClient("c1")).toBe(false);
  expect(faults.errors.map(({ code }) => code)).toEqual(Array(5).fill("invalid_response"));
});

test("errors in handlers are dropped", async () => {
  const server = await startServer();
  const calls: string[] = [];
  const of = (onError: () => any, log: () => any) =>
    createBackend({ url: server.url, apiKey: "wrong", onError, log }).notifyUser("ann", "x");
  const thrower = (name: string) => () => {
    calls.push(name);
    throw new Error(name);
  };
  const rejecter = (name: string) => async () => {
    calls.push(name);
    throw new Error(name);
  };
  expect(await of(thrower("error"), thrower("log"))).toBe(0);
  expect(await of(rejecter("error later"), rejecter("log later"))).toBe(0);
  expect(calls).toEqual(["log", "error", "log later", "error later"]);
});

test("calls reuse connections", async () => {
  const server = await startServer();
  const front = await Front.of(server);
  const backend = backendOf(front.url);
  for (let i = 0; i < 20; i++) await backend.sendPaymentNotification(...pay);
  await backend.sendPaymentNotification(
    "p_81",
    "completed",
    { customerId: "" as any },
    "user",
    "ann",
  ); // after refusals too
  await backend.SSEManager.disconnectClient("nobody");
  await backend.SSEManager.getConnections();
  expect(front.requests).toHaveLength(23);
  // Fetch may open a second one before it reuses the first.
  expect(front.connections).toBeLessThanOrEqual(2);
});
