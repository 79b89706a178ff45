// A call of each function of the catalogue, and the notification that a page gets.

import type { Backend } from "../../../src/backend/index.ts";
import { kinds } from "../../../src/backend/kinds.ts";

/** Returns the metadata of a kind. */
export const metadata = (category: string, priority: string, source?: string) => ({
  category,
  priority,
  ...(source !== undefined && { source }),
  ...(source === "system" && { system: true }),
});

/**
 * A call of the application, and the notification on the page: type, data without metadata, and
 * metadata.
 */
interface Case {
  send: (backend: Backend) => Promise<number>;
  /** The target, if not the user "ann". */
  channel?: string;
  type: string;
  data: object;
  metadata: object;
}

/** A call of each function of the catalogue. */
export const cases: Record<keyof typeof kinds, Case> = {
  sendPaymentNotification: {
    send: (b) =>
      b.sendPaymentNotification("p_81", "completed", {
        customerId: "ann",
        amount: 9.99,
        currency: "EUR",
        items: 3,
      }),
    type: "payment:completed",
    data: {
      paymentId: "p_81",
      status: "completed",
      customerId: "ann",
      amount: 9.99,
      currency: "EUR",
      items: 3,
    },
    metadata: metadata("payment", "normal", "webhook"),
  },
  sendUserAccountNotification: {
    send: (b) =>
      b.sendUserAccountNotification("ann", "suspended", {
        email: "ann@example.com",
        reason: "unpaid",
      }),
    type: "user:suspended",
    data: { userId: "ann", action: "suspended", email: "ann@example.com", reason: "unpaid" },
    metadata: metadata("account", "high", "webhook"),
  },
  sendSystemHealthNotification: {
    send: (b) =>
      b.sendSystemHealthNotification("database", "warning", {
        metric: "cpu",
        value: 93,
        checkedAt: new Date(Date.UTC(2026, 10, 22)),
      }),
    channel: "system-monitoring",
    type: "system:warning",
    data: {
      systemId: "database",
      status: "warning",
      metric: "cpu",
      value: 93,
      checkedAt: "2026-11-22T00:00:00.000Z",
    },
    metadata: metadata("system", "medium", "system"),
  },
  sendJobNotification: {
    send: (b) =>
      b.sendJobNotification("j_7", "progress", { jobType: "report", progress: 0 }, "user", "ann"),
    type: "job:progress",
    data: { jobId: "j_7", status: "progress", jobType: "report", progress: 0 },
    metadata: metadata("job", "normal", "job-processor"),
  },
  sendVideoProcessingNotification: {
    send: (b) =>
      b.sendVideoProcessingNotification(
        "v_1",
        "failed",
        { error: "no sound" },
        "channel",
        "videos",
      ),
    channel: "videos",
    type: "job:failed",
    data: {
      videoId: "v_1",
      status: "failed",
      jobType: "video-processing",
      jobId: "v_1",
      error: "no sound",
    },
    metadata: metadata("job", "high", "job-processor"),
  },
  sendDataExportNotification: {
    send: (b) =>
      b.sendDataExportNotification(
        "e_1",
        "completed",
        { downloadUrl: "/e_1.csv", recordCount: 12 },
        "user",
        "ann",
      ),
    type: "job:completed",
    data: {
      exportId: "e_1",
      status: "completed",
      jobType: "data-export",
      jobId: "e_1",
      downloadUrl: "/e_1.csv",
      recordCount: 12,
    },
    metadata: metadata("job", "normal", "job-processor"),
  },
  sendBatchOperationNotification: {
    send: (b) =>
      b.sendBatchOperationNotification("b_1", "processing", {
        jobId: "j_9",
        total: 10,
        processed: 4,
      }, "all"),
    type: "job:processing",
    data: {
      batchId: "b_1",
      status: "processing",
      jobType: "batch-operation",
      jobId: "j_9",
      total: 10,
      processed: 4,
    },
    metadata: metadata("job", "normal", "job-processor"),
  },
  sendPostUpdateNotification: {
    send: (b) =>
      b.sendPostUpdateNotification("post_1", "created", { title: "Hi", tags: ["a", "b"] }),
    channel: "content-updates",
    type: "realtime:post:created",
    data: { postId: "post_1", action: "created", title: "Hi", tags: ["a", "b"] },
    metadata: metadata("content", "normal", "realtime-update"),
  },
  sendProfileUpdateNotification: {
    send: (b) => b.sendProfileUpdateNotification("ann", "avatar_changed", { avatarUrl: "/a.png" }),
    type: "realtime:profile:avatar_changed",
    data: { userId: "ann", action: "avatar_changed", avatarUrl: "/a.png" },
    metadata: metadata("profile", "low", "realtime-update"),
  },
  sendCommentNotification: {
    send: (b) => b.sendCommentNotification("c_1", "liked", { postId: "post_1", likes: 0 }),
    channel: "interactions",
    type: "realtime:comment:liked",
    data: { commentId: "c_1", action: "liked", postId: "post_1", likes: 0 },
    metadata: metadata("interaction", "normal", "realtime-update"),
  },
  sendUserSessionNotification: {
    send: (b) => b.sendUserSessionNotification("ann", "password_changed", { ip: "192.0.2.1" }),
    type: "user:password_changed",
    data: { userId: "ann", action: "password_changed", ip: "192.0.2.1" },
    metadata: metadata("session", "high", "user-activity"),
  },
  sendAchievementNotification: {
    send: (b) => b.sendAchievementNotification("ann", "level_up", { level: 4, points: 12.5 }),
    type: "user:level_up",
    data: { userId: "ann", achievement: "level_up", level: 4, points: 12.5 },
    metadata: metadata("achievement", "medium", "user-activity"),
  },
  sendMaintenanceNotification: {
    send: (b) =>
      b.sendMaintenanceNotification("m_1", "scheduled", {
        message: "Tonight",
        affectedServices: ["search"],
      }),
    type: "maintenance",
    data: {
      maintenanceId: "m_1",
      action: "scheduled",
      message: "Tonight",
      affectedServices: ["search"],
    },
    metadata: metadata("maintenance", "medium", "system"),
  },
  sendSecurityAlertNotification: {
    send: (b) => b.sendSecurityAlertNotification("a_1", "critical", { alertType: "brute_force" }),
    type: "security:alert",
    data: { alertId: "a_1", severity: "critical", alertType: "brute_force" },
    metadata: metadata("security", "high", "system"),
  },
  sendWebhookNotification: {
    send: (b) => b.sendWebhookNotification("git:push", { commits: 2 }),
    type: "git:push",
    data: { commits: 2 },
    metadata: metadata("webhook", "normal", "webhook"),
  },
  sendRealtimeUpdateNotification: {
    send: (b) => b.sendRealtimeUpdateNotification("stock:changed", { left: 3 }, "channel", "shop"),
    channel: "shop",
    type: "stock:changed",
    data: { left: 3 },
    metadata: metadata("realtime", "normal", "realtime-update"),
  },
  sendUserActivityNotification: {
    send: (b) => b.sendUserActivityNotification("user:typing", { in: "chat" }, "user", "ann"),
    type: "user:typing",
    data: { in: "chat" },
    metadata: metadata("activity", "normal", "user-activity"),
  },
  sendSystemNotification: {
    send: (b) => b.sendSystemNotification("system:notice", { text: '☺ "quoted"' }),
    type: "system:notice",
    data: { text: '☺ "quoted"' },
    metadata: metadata("system", "normal", "system"),
  },
  sendCustomNotification: {
    send: (b) => b.sendCustomNotification("weather", { celsius: -3 }),
    type: "weather",
    data: { celsius: -3 },
    metadata: metadata("custom", "normal"),
  },
};
