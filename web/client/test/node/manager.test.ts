// The functions besides the catalogue: connections, channels, tickets, history, and sends of any
// type.

import { beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { connectSocket, openStream } from "../../../e2e/clients.mjs";
import type { Server } from "../../../e2e/harness.mjs";
import { once, retry } from "../../../e2e/wait.mjs";
import { Front } from "./support/front.ts";
import { backendOf, nobodyLeft, openReader, serverForAll } from "./support/server.ts";

let server: Server;
beforeAll(serverForAll((started) => {
  server = started;
}));
beforeEach(() => nobodyLeft(server));

test("the connections of both transports, read in pages", async () => {
  const front = await Front.of(server);
  front.rewrite = (path) => path.replace("limit=1000", "limit=2");
  const { SSEManager, faults } = backendOf(front.url);
  expect(await SSEManager.getConnections()).toEqual({
    total: 0,
    clients: [],
    activeUsers: new Set(),
  });
  const before = Date.now();
  const ann = await openReader(server, { userId: "ann", username: "Ann", channels: "news" });
  const options: any = { auth: { userId: "bob", username: "Bob" } };
  const { socket } = await connectSocket({ after: onTestFinished }, server, options);
  const bob = socket.id!;
  await openReader(server, { userId: "ann" });
  await openStream({ after: onTestFinished }, server); // anonymous
  await openReader(server, { userId: "auth0|5f7/é" });
  front.requests = [];
  const { total, clients, activeUsers } = await SSEManager.getConnections();
  expect(front.requests).toHaveLength(3);
  expect(total).toBe(5);
  expect(activeUsers).toEqual(new Set(["ann", "bob", "auth0|5f7/é"]));
  expect(clients.map(({ userId }) => userId).sort()).toEqual([
    "ann",
    "ann",
    "anonymous",
    "auth0|5f7/é",
    "bob",
  ]);
  const one = clients.find(({ clientId }) => clientId === ann.clientId)!;
  expect(one).toEqual({
    clientId: ann.clientId,
    userId: "ann",
    username: "Ann",
    transport: "sse",
    channels: ["general", "news"],
    connectedAt: expect.any(Number),
    lastActive: expect.any(Number),
  });
  expect(one.connectedAt).toBeGreaterThanOrEqual(before - 1000);
  expect(one.lastActive).toBeLessThanOrEqual(Date.now() + 1000);

  expect(await SSEManager.isUserOnline("auth0|5f7/é")).toBe(true);
  expect(await SSEManager.isUserOnline("nobody")).toBe(false);
  expect((await SSEManager.getUserClients("bob")).map((
    { clientId, transport },
  ) => [clientId, transport])).toEqual([[bob, "websocket"]]);
  expect(await SSEManager.getUserClients("nobody")).toEqual([]);

  const gone = once(socket, "disconnect");
  expect(await SSEManager.disconnectClient(bob)).toBe(true);
  await gone;
  await retry(async () => !(await SSEManager.isUserOnline("bob")), "the end of bob");
  expect(await SSEManager.disconnectClient(bob)).toBe(false);
  expect(await SSEManager.disconnectUser("ann")).toBe(2);
  await retry(async () => !(await SSEManager.isUserOnline("ann")), "the end of ann");
  expect(await SSEManager.disconnectUser("ann")).toBe(0);
  expect(faults.lines).toEqual([]);
});

test("sends of any type, by arguments or as an object", async () => {
  const { SSEManager, notifyClient, notifyUser, faults } = backendOf(server.url);
  const ann = await openReader(server, { userId: "ann", channels: "news" });
  expect(await SSEManager.sendToClient(ann.clientId, "a", { n: 1 })).toBe(true);
  expect(await SSEManager.sendToClient("nobody", "a", { n: 1 })).toBe(false);
  expect(await SSEManager.sendToUser("ann", "b", [1, null], { trace: 7 })).toBe(1);
  expect(await SSEManager.sendToChannel("news", { type: "c", data: "text", ttl: "1m" })).toBe(1);
  expect(await SSEManager.broadcast("d")).toBe(1);
  expect(await SSEManager.broadcast({ type: "none", except: [ann.clientId] })).toBe(0);
  expect(await notifyClient(ann.clientId, "Your table is ready")).toBe(true);
  expect(await notifyUser("ann", "Your table is ready")).toBe(1);
  expect(await notifyUser("ann", "table:ready", { table: 4 }, { source: "host" })).toBe(1);
  expect(await notifyUser("ann", "table:free", undefined)).toBe(1);
  const got = [];
  while (got.length < 8) {
    const { type, data, metadata } = await ann.next();
    got.push([type, data, metadata ?? null]);
  }
  const text = ["notification", { message: "Your table is ready" }, null];
  expect(got).toEqual([
    ["a", { n: 1 }, null],
    ["b", [1, null], { trace: 7 }],
    ["c", "text", { channel: "news" }],
    ["d", null, null],
    text,
    text,
    ["table:ready", { table: 4 }, { source: "host" }],
    ["table:free", null, null],
  ]);
  expect(faults.lines).toEqual([]);
});

test("sends to many users or channels resolve with how many are connected", async () => {
  const front = await Front.of(server);
  const { sendMultiUserNotification, sendMultiChannelNotification, faults } = backendOf(front.url);
  const ann = await openReader(server, { userId: "ann", channels: ["news", "sport"] });
  const bob = await openReader(server, { userId: "bob", channels: "news" });
  expect(await sendMultiUserNotification(["ann", "bob", "carl", "ann"], "note", { n: 1 }, {
    trace: 7,
  })).toEqual({ success: 2, failed: 1, total: 3 });
  expect(await sendMultiChannelNotification(["news", "sport", "empty"], "note", { n: 2 })).toEqual({
    success: 2,
    failed: 1,
    total: 3,
  });
  expect(await sendMultiUserNotification([], "note", {})).toEqual({
    success: 0,
    failed: 0,
    total: 0,
  });
  const users = Array.from({ length: 2500 }, (_, i) => `u${i}`);
  front.requests = [];
  expect(await sendMultiUserNotification([...users, "ann"], { type: "note", data: { n: 3 } }))
    .toEqual({ success: 1, failed: 2500, total: 2501 });
  expect(front.requests).toHaveLength(3);
  const again = { type: "note", data: { n: 4 }, idempotencyKey: "assigned-17" }; // sent once
  for (let i = 0; i < 2; i++)
    expect((await sendMultiUserNotification([...users, "ann"], again)).success).toBe(1);
  front.next = [{ status: 403, body: JSON.stringify({ code: "forbidden" }) }];
  expect(await sendMultiUserNotification(["ann", ...users.slice(0, 1000)], "note", {})).toEqual({
    success: 0,
    failed: 1001,
    total: 1001,
  });
  expect(faults.errors.map(({ code, function: name }) => [code, name])).toEqual([[
    "forbidden",
    "sendMultiUserNotification",
  ]]);
  await sendMultiUserNotification(["ann"], "note", { n: 5 });
  const numbers = [];
  while (numbers.at(-1) !== 5) numbers.push((await ann.next()).data.n);
  expect(numbers).toEqual([1, 2, 3, 4, 5]);
  expect([await bob.next(), await bob.next()].map(({ data, metadata }) => [data.n, metadata]))
    .toEqual([
      [1, { trace: 7 }],
      [2, { channels: ["news", "sport", "empty"] }],
    ]);
});

test("channels, tickets and history", async () => {
  const { joinChannel, leaveChannel, issueTicket, getHistory, SSEManager, faults } =
    backendOf(server.url);
  const ann = await openReader(server, { userId: "ann" });
  await openReader(server, { userId: "ann" });
  expect(await joinChannel({ user: "ann" }, "team a/b")).toBe(2);
  expect(await SSEManager.sendToChannel("team a/b", "note", 1)).toBe(2);
  expect(await leaveChannel({ client: ann.clientId }, "team a/b")).toBe(1);
  expect(await SSEManager.sendToChannel("team a/b", "note", 2)).toBe(1);
  expect(await joinChannel({ client: "nobody" }, "team a/b")).toBe(0);
  expect(await joinChannel({ user: "nobody" }, "team a/b")).toBe(0);

  const { notifications, cursor, gap } = await getHistory({ channel: "team a/b" }, { since: "0" });
  expect(notifications.map(({ type, data }) => [type, data])).toEqual([["note", 1], ["note", 2]]);
  expect(gap).toBe(false);
  expect(await getHistory({ channel: "team a/b" }, { since: cursor })).toMatchObject({
    notifications: [],
  });
  expect((await getHistory({ channel: "team a/b" }, { limit: 1 })).notifications.map(({ data }) =>
    data
  )).toEqual([2]);

  const issued = await issueTicket("eve", { username: "Eve", channels: ["team-*"], ttl: "20s" });
  expect(Date.parse(issued!.expiresAt)).toBeGreaterThan(Date.now());
  const stream: any = await openStream({ after: onTestFinished }, server, {
    ticket: issued!.ticket,
  });
  expect(stream.connected).toMatchObject({ userId: "eve", username: "Eve" });
  expect(faults.lines).toEqual([]);
});

test("a missing argument throws at once, with the names of the function and the argument", () => {
  const b: any = backendOf("http://127.0.0.1:9");
  const job = ["j_1", "completed", {}] as const;
  const targets: [() => unknown, string][] = [
    [
      () => b.sendPaymentNotification("p_1", "completed", {}),
      "sendPaymentNotification: no target: expected data.customerId, or target and targetId",
    ],
    [
      () => b.sendPaymentNotification("p_1", "completed", { customerId: "ann" }, "user"),
      "sendPaymentNotification: targetId is missing, expected the id of the user that gets it",
    ],
    [
      () => b.sendSystemHealthNotification("db", "healthy", {}, "channel", ""),
      "sendSystemHealthNotification: targetId is empty, expected the name of the channel that gets it",
    ],
    [
      () => b.sendWebhookNotification("x", {}, undefined, "ann"),
      'sendWebhookNotification: targetId without target, expected "user", "client" or "channel" as target',
    ],
    [
      () => b.sendJobNotification(...job),
      'sendJobNotification: target is missing: "user", "client", "channel" or "all", followed by a targetId',
    ],
    [
      () => b.sendJobNotification(...job, "client", undefined),
      "sendJobNotification: targetId is missing, expected the id of the client that gets it",
    ],
    [
      () => b.sendJobNotification(...job, "users", "ann"),
      'sendJobNotification: target is "users", expected "user", "client", "channel" or "all"',
    ],
    [
      () => b.sendPaymentNotification("p_1", "completed"),
      "sendPaymentNotification: no target: expected data.customerId, or target and targetId",
    ],
    [
      () => b.sendPaymentNotification("p_1", "completed", {}, "user", 42),
      "sendPaymentNotification: targetId is a number, expected the id of the user that gets it",
    ],
    [
      () => b.sendProfileUpdateNotification(undefined, "updated", {}),
      "sendProfileUpdateNotification: userId is missing, expected a string",
    ],
    [
      () => b.sendWebhookNotification("x", "text"),
      "sendWebhookNotification: data is not an object",
    ],
    [() => b.sendWebhookNotification("x", [1]), "sendWebhookNotification: data is not an object"],
    [() => b.notifyUser(undefined, "Hi"), "notifyUser: userId is missing, expected a string"],
    [() => b.notifyClient("", "Hi"), "notifyClient: clientId is empty, expected a string"],
    [
      () => b.SSEManager.sendToChannel(undefined, "x"),
      "SSEManager.sendToChannel: channel is missing, expected a string",
    ],
    [
      () => b.SSEManager.sendToUser("ann"),
      "SSEManager.sendToUser: type is missing, expected a string",
    ],
    [
      () => b.SSEManager.isUserOnline(),
      "SSEManager.isUserOnline: userId is missing, expected a string",
    ],
    [
      () => b.sendMultiUserNotification("ann", "x", {}),
      "sendMultiUserNotification: expected an array of users",
    ],
    [
      () => b.sendMultiChannelNotification(["a", null], "x", {}),
      "sendMultiChannelNotification: channels[1] is missing, expected a string",
    ],
    [() => b.joinChannel({}, "news"), "joinChannel: user is missing, expected a string"],
    [() => b.issueTicket(), "issueTicket: userId is missing, expected a string"],
  ];
  for (const [call, text] of targets) expect(call).toThrow(TypeError(text));
});
