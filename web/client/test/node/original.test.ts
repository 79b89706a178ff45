// Calls in the form of the original application, beside those of this package.

import { beforeAll, beforeEach, expect, test } from "vitest";
import type { Server } from "../../../e2e/harness.mjs";
import type { Backend } from "../../src/backend/index.ts";
import { backendOf, nobodyLeft, openReader, serverForAll } from "./support/server.ts";

let server: Server;
beforeAll(serverForAll((started) => {
  server = started;
}));
beforeEach(() => nobodyLeft(server));

const ID = expect.stringMatching(/^[0-9a-f-]{36}$/);

/** Each call, and what a page gets: type, data without metadata, and a part of the metadata. */
const cases: Record<string, [(b: Backend) => Promise<number | boolean>, string, object, object]> = {
  "maintenance without an id": [
    (b) =>
      b.sendMaintenanceNotification("scheduled", {
        title: "Database",
        description: "an hour",
        affectedServices: ["shop"],
        metadata: { trace: 7 },
      }),
    "maintenance",
    {
      maintenanceId: ID,
      action: "scheduled",
      type: "scheduled",
      title: "Database",
      description: "an hour",
      affectedServices: ["shop"],
    },
    { category: "maintenance", priority: "medium", source: "system", trace: 7 },
  ],
  "maintenance with an id": [
    (b) => b.sendMaintenanceNotification("m_1", "emergency", { title: "Database" }, "all"),
    "maintenance",
    { maintenanceId: "m_1", action: "emergency", title: "Database" },
    { priority: "high" },
  ],
  "a security alert without an id": [
    (b) =>
      b.sendSecurityAlertNotification("critical", {
        title: "Sign-ins",
        description: "from many places",
        threatType: "brute_force",
      }, "user", "ann"),
    "security:alert",
    {
      alertId: ID,
      severity: "critical",
      title: "Sign-ins",
      description: "from many places",
      threatType: "brute_force",
    },
    { category: "security", priority: "high" },
  ],
  "a security alert with an id": [
    (b) => b.sendSecurityAlertNotification("a_1", "low", { message: "hm" }),
    "security:alert",
    { alertId: "a_1", severity: "low", message: "hm" },
    { priority: "low" },
  ],
  "a custom notification with metadata": [
    (b) => b.sendCustomNotification("greeting", { text: "hi" }, "all", undefined, { trace: 7 }),
    "greeting",
    { text: "hi" },
    { category: "custom", priority: "normal", trace: 7 },
  ],
  "a custom notification with metadata and options": [
    (b) =>
      b.sendCustomNotification("greeting", { text: "hi" }, "user", "ann", { trace: 7 }, {
        ttl: "1m",
      }),
    "greeting",
    { text: "hi" },
    { trace: 7 },
  ],
  "a custom notification with options": [
    (b) => b.sendCustomNotification("greeting", { text: "hi" }, "user", "ann", { ttl: "1m" }),
    "greeting",
    { text: "hi" },
    { category: "custom" },
  ],
  "a batch with the operation before the status": [
    (b) =>
      b.sendBatchOperationNotification("b_1", "archive", "completed", {
        totalItems: 3,
        processedItems: 3,
        successCount: 2,
        errorCount: 1,
      }, "user", "ann"),
    "job:completed",
    {
      batchId: "b_1",
      jobId: "b_1",
      jobType: "batch-operation",
      status: "completed",
      operation: "archive",
      totalItems: 3,
      processedItems: 3,
      successCount: 2,
      errorCount: 1,
    },
    { category: "job", priority: "normal", source: "job-processor" },
  ],
  "a batch with the operation in data": [
    (b) =>
      b.sendBatchOperationNotification("b_1", "failed", { operation: "archive" }, "user", "ann"),
    "job:failed",
    {
      batchId: "b_1",
      jobId: "b_1",
      jobType: "batch-operation",
      status: "failed",
      operation: "archive",
    },
    { priority: "high" },
  ],
  "an activity by user and name": [
    (b) => b.sendUserActivityNotification("ann", "login", { ip: "1.2.3.4" }, "user", "ann"),
    "user:login",
    { ip: "1.2.3.4" },
    { userId: "ann", activityType: "login", source: "user-activity" },
  ],
  "an activity by type": [
    (b) => b.sendUserActivityNotification("user:login", { ip: "1.2.3.4" }),
    "user:login",
    { ip: "1.2.3.4" },
    { source: "user-activity" },
  ],
  "an update of an entity": [
    (b) => b.sendRealtimeUpdate("post", "p_1", "created", { title: "New" }, "user", "ann"),
    "realtime:post:created",
    { title: "New" },
    { entityType: "post", entityId: "p_1", action: "created", source: "realtime-update" },
  ],
  "an update of an entity by the manager": [
    (b) => b.SSEManager.sendRealtimeUpdate("post", "p_1", "deleted", {}),
    "realtime:post:deleted",
    {},
    { entityId: "p_1" },
  ],
  "a system notification by the manager": [
    (b) => b.SSEManager.sendSystemNotification("restart", { in: 5 }),
    "restart",
    { in: 5 },
    { system: true, source: "system" },
  ],
  "a webhook by the manager": [
    (b) => b.SSEManager.sendWebhookNotification("git:push", { commits: 2 }, "user", "ann"),
    "git:push",
    { commits: 2 },
    { source: "webhook" },
  ],
  "a job by the manager": [
    (b) => b.SSEManager.sendJobNotification("j_1", "completed", { result: 1 }, "user", "ann"),
    "job:completed",
    { jobId: "j_1", status: "completed", result: 1 },
    { source: "job-processor" },
  ],
  "an activity by the manager": [
    (b) => b.SSEManager.sendUserActivityNotification("ann", "logout", {}, "user", "ann"),
    "user:logout",
    {},
    { activityType: "logout" },
  ],
};

test.each(Object.entries(cases))("%s", async (_, [send, type, data, metadata]) => {
  const backend = backendOf(server.url);
  const ann = await openReader(server, { userId: "ann" });
  expect(await send(backend)).toBe(1);
  expect(backend.faults.lines).toEqual([]);
  const got = await ann.next();
  const { metadata: inData, ...fields } = got.data;
  expect(got.type).toBe(type);
  expect(fields).toEqual(data);
  expect(got.metadata).toMatchObject(metadata);
  expect(inData).toMatchObject(metadata);
});

test("the manager sends texts, and takes a connection in place of its id", async () => {
  const { SSEManager, faults } = backendOf(server.url);
  const ann = await openReader(server, { userId: "ann" });
  expect(await SSEManager.notifyUser("ann", "Hello", { trace: 7 })).toBe(1);
  expect(await SSEManager.notifyUser("nobody", "Hello")).toBe(0);
  expect(await ann.next()).toMatchObject({
    type: "notification",
    data: { message: "Hello" },
    metadata: { trace: 7 },
  });
  const [client] = await SSEManager.getUserClients("ann");
  expect(client).toMatchObject({ clientId: ann.clientId, userId: "ann" });
  for (const id of [client!, ann.clientId]) {
    expect(await SSEManager.isClientConnected(id)).toBe(true);
    expect(await SSEManager.notifyClient(id, "Hi")).toBe(true);
    expect(await SSEManager.sendToClient(id, "note", { n: 1 })).toBe(true);
    expect((await ann.next()).data).toEqual({ message: "Hi" });
    expect((await ann.next()).data).toEqual({ n: 1 });
  }
  expect(await SSEManager.isClientConnected("nobody")).toBe(false);
  expect(await SSEManager.disconnectClient(client!)).toBe(true);
  await expect.poll(() => SSEManager.isClientConnected(client!)).toBe(false);
  expect(faults.lines).toEqual([]);
});

test("maintenance without an id can have an idempotency key", async () => {
  const backend = backendOf(server.url);
  const ann = await openReader(server, { userId: "ann" });
  const send = () =>
    backend.sendMaintenanceNotification("completed", { title: "Database" }, "user", "ann", {
      idempotencyKey: "window-7",
    });
  expect([await send(), await send()]).toEqual([1, 1]);
  expect((await ann.next()).data.maintenanceId).toBe("window-7");
  await backend.sendWebhookNotification("end", {});
  expect((await ann.next()).type).toBe("end");
  expect(backend.faults.lines).toEqual([]);
});
