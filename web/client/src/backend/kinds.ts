// Written by notify/catalogue/typescript from the server's table of kinds. Change that, then run make generate.

import type {
  PaymentStatus, UserAccountAction, SystemHealthStatus, JobStatus, VideoProcessingStatus,
  DataExportStatus, BatchOperationStatus, PostUpdateAction, ProfileUpdateAction, CommentAction,
  UserSessionAction, MaintenanceAction, SecurityAlertSeverity,
} from "../catalogue.ts";
import type { Fields, NamedTarget, OptionalTarget, Sent } from "./types.ts";

/** What {@link KindFunctions.sendPaymentNotification} takes as data. */
export interface PaymentFields extends Fields {
  /** Who pays: the user who is told. Up to 128 bytes. */
  customerId?: string | undefined;
  /** In the main unit of the currency: 9.99. */
  amount?: number | undefined;
  /** ISO 4217: EUR. Up to 16 bytes. */
  currency?: string | undefined;
  /** What was paid for. Up to 200 bytes. */
  orderId?: string | undefined;
  /** How it was paid, such as card. Up to 200 bytes. */
  method?: string | undefined;
  /** For people. */
  description?: string | undefined;
  /** Why it failed or was given back. */
  reason?: string | undefined;
  /** Where the receipt is. Up to 2048 bytes. */
  receiptUrl?: string | undefined;
}

/** What {@link KindFunctions.sendUserAccountNotification} takes as data. */
export interface UserAccountFields extends Fields {
  /** The account's name. Up to 200 bytes. */
  username?: string | undefined;
  /** The account's address. Up to 320 bytes. */
  email?: string | undefined;
  /** Why, for people. */
  reason?: string | undefined;
}

/** What {@link KindFunctions.sendSystemHealthNotification} takes as data. */
export interface SystemHealthFields extends Fields {
  /** For people. */
  message?: string | undefined;
  /** What was measured, such as cpu. Up to 200 bytes. */
  metric?: string | undefined;
  /** Of the metric, in its own unit. */
  value?: number | undefined;
  /** Of the metric, in its own unit. */
  threshold?: number | undefined;
  /** Several metrics by name. */
  metrics?: Record<string, unknown> | undefined;
  /** When it was measured. RFC 3339. */
  checkedAt?: string | Date | undefined;
}

/** What {@link KindFunctions.sendJobNotification} takes as data. */
export interface JobFields extends Fields {
  /** What kind of job, such as report. Up to 200 bytes. */
  jobType?: string | undefined;
  /** Who asked for it. Up to 128 bytes. */
  userId?: string | undefined;
  /** How far it is. From 0 to 100 %. */
  progress?: number | undefined;
  /** For people. */
  message?: string | undefined;
  /** What came of it. */
  result?: unknown | undefined;
  /** Why it failed. */
  error?: string | undefined;
  /** How long it took. In ms. At least 0. */
  durationMs?: number | undefined;
}

/** What {@link KindFunctions.sendVideoProcessingNotification} takes as data. */
export interface VideoProcessingFields extends Fields {
  /** Tells these jobs from others. */
  jobType?: "video-processing" | undefined;
  /** The same as videoId when left out, so that handlers of all jobs find one. Up to 200 bytes. */
  jobId?: string | undefined;
  /** How far it is. From 0 to 100 %. */
  progress?: number | undefined;
  /** The video's. Up to 200 bytes. */
  title?: string | undefined;
  /** Where to see it. Up to 2048 bytes. */
  url?: string | undefined;
  /** A picture of it. Up to 2048 bytes. */
  thumbnailUrl?: string | undefined;
  /** Why it failed. */
  error?: string | undefined;
  /** How long it took. In ms. At least 0. */
  durationMs?: number | undefined;
}

/** What {@link KindFunctions.sendDataExportNotification} takes as data. */
export interface DataExportFields extends Fields {
  /** Tells these jobs from others. */
  jobType?: "data-export" | undefined;
  /** The same as exportId when left out, so that handlers of all jobs find one. Up to 200 bytes. */
  jobId?: string | undefined;
  /** How far it is. From 0 to 100 %. */
  progress?: number | undefined;
  /** Of the file, such as csv. Up to 200 bytes. */
  format?: string | undefined;
  /** Records in it. At least 0. */
  recordCount?: number | undefined;
  /** Of the file. In bytes. At least 0. */
  sizeBytes?: number | undefined;
  /** Where the file is. Up to 2048 bytes. */
  downloadUrl?: string | undefined;
  /** Until when it can be downloaded. RFC 3339. */
  expiresAt?: string | Date | undefined;
  /** Why it failed. */
  error?: string | undefined;
  /** How long it took. In ms. At least 0. */
  durationMs?: number | undefined;
}

/** What {@link KindFunctions.sendBatchOperationNotification} takes as data. */
export interface BatchOperationFields extends Fields {
  /** Tells these jobs from others. */
  jobType?: "batch-operation" | undefined;
  /** The same as batchId when left out, so that handlers of all jobs find one. Up to 200 bytes. */
  jobId?: string | undefined;
  /** How far it is. From 0 to 100 %. */
  progress?: number | undefined;
  /** What is done, such as archive. Up to 200 bytes. */
  operation?: string | undefined;
  /** Things in the batch. At least 0. */
  total?: number | undefined;
  /** Of these, those that failed included. At least 0. */
  processed?: number | undefined;
  /** Of these. At least 0. */
  failed?: number | undefined;
  /** Why it failed. */
  error?: string | undefined;
  /** How long it took. In ms. At least 0. */
  durationMs?: number | undefined;
}

/** What {@link KindFunctions.sendPostUpdateNotification} takes as data. */
export interface PostUpdateFields extends Fields {
  /** The post's. */
  title?: string | undefined;
  /** The user who wrote it. Up to 128 bytes. */
  authorId?: string | undefined;
  /** The first lines. */
  excerpt?: string | undefined;
  /** Where to read it. Up to 2048 bytes. */
  url?: string | undefined;
  /** The post's. */
  tags?: string[] | undefined;
}

/** What {@link KindFunctions.sendProfileUpdateNotification} takes as data. */
export interface ProfileUpdateFields extends Fields {
  /** The user's name. Up to 200 bytes. */
  username?: string | undefined;
  /** The new picture. Up to 2048 bytes. */
  avatarUrl?: string | undefined;
  /** The names of what was changed. */
  changedFields?: string[] | undefined;
  /** The new ones. */
  settings?: Record<string, unknown> | undefined;
}

/** What {@link KindFunctions.sendCommentNotification} takes as data. */
export interface CommentFields extends Fields {
  /** What it is about. Up to 200 bytes. */
  postId?: string | undefined;
  /** The comment that it answers. Up to 200 bytes. */
  parentId?: string | undefined;
  /** The user who wrote it. Up to 128 bytes. */
  authorId?: string | undefined;
  /** Its text. */
  content?: string | undefined;
  /** So far. At least 0. */
  likes?: number | undefined;
}

/** What {@link KindFunctions.sendUserSessionNotification} takes as data. */
export interface UserSessionFields extends Fields {
  /** Of the application, not a secret. Up to 200 bytes. */
  sessionId?: string | undefined;
  /** Where it came from. Up to 64 bytes. */
  ip?: string | undefined;
  /** The browser's. Up to 1024 bytes. */
  userAgent?: string | undefined;
  /** Why, for people. */
  reason?: string | undefined;
  /** When the session ends. RFC 3339. */
  expiresAt?: string | Date | undefined;
}

/** What {@link KindFunctions.sendAchievementNotification} takes as data. */
export interface AchievementFields extends Fields {
  /** For people. */
  title?: string | undefined;
  /** For people. */
  description?: string | undefined;
  /** Got for it. */
  points?: number | undefined;
  /** Reached. At least 0. */
  level?: number | undefined;
  /** A picture. Up to 2048 bytes. */
  badgeUrl?: string | undefined;
}

/** What {@link KindFunctions.sendMaintenanceNotification} takes as data. */
export interface MaintenanceFields extends Fields {
  /** For people. */
  title?: string | undefined;
  /** For people. */
  message?: string | undefined;
  /** When it starts. RFC 3339. */
  startTime?: string | Date | undefined;
  /** When it is expected to be over. RFC 3339. */
  endTime?: string | Date | undefined;
  /** Which ones. */
  affectedServices?: string[] | undefined;
  /** Where to read more. Up to 2048 bytes. */
  url?: string | undefined;
}

/** What {@link KindFunctions.sendSecurityAlertNotification} takes as data. */
export interface SecurityAlertFields extends Fields {
  /** What it is, such as brute_force. Up to 200 bytes. */
  alertType?: string | undefined;
  /** For people. */
  message?: string | undefined;
  /** Whom it is about. Up to 128 bytes. */
  userId?: string | undefined;
  /** Where it came from. Up to 64 bytes. */
  ip?: string | undefined;
  /** When it was seen. RFC 3339. */
  detectedAt?: string | Date | undefined;
  /** Where to read more, or to act. Up to 2048 bytes. */
  url?: string | undefined;
}

/** A function for each kind of the catalogue. */
export interface KindFunctions {
  /** A payment was made, failed or was given back. Type `payment:<status>`; without a target to the user `data.customerId`. */
  sendPaymentNotification<To extends OptionalTarget>(
    paymentId: string, status: PaymentStatus, data: PaymentFields, ...to: To
  ): Sent<To>;
  /** An account was made or changed. Type `user:<action>`; without a target to the user `userId`. */
  sendUserAccountNotification<To extends OptionalTarget>(
    userId: string, action: UserAccountAction, data: UserAccountFields, ...to: To
  ): Sent<To>;
  /** How a part of the system is. Type `system:<status>`; without a target to the channel `system-monitoring`. */
  sendSystemHealthNotification<To extends OptionalTarget>(
    systemId: string, status: SystemHealthStatus, data: SystemHealthFields, ...to: To
  ): Sent<To>;
  /** How a job goes. Type `job:<status>`; a target must be named. */
  sendJobNotification<To extends NamedTarget>(
    jobId: string, status: JobStatus, data: JobFields, ...to: To
  ): Sent<To>;
  /** How the processing of a video goes. Type `job:<status>`; a target must be named. */
  sendVideoProcessingNotification<To extends NamedTarget>(
    videoId: string, status: VideoProcessingStatus, data: VideoProcessingFields, ...to: To
  ): Sent<To>;
  /** How an export goes. Type `job:<status>`; a target must be named. */
  sendDataExportNotification<To extends NamedTarget>(
    exportId: string, status: DataExportStatus, data: DataExportFields, ...to: To
  ): Sent<To>;
  /** How an operation on many things goes. Type `job:<status>`; a target must be named. */
  sendBatchOperationNotification<To extends NamedTarget>(
    batchId: string, status: BatchOperationStatus, data: BatchOperationFields, ...to: To
  ): Sent<To>;
  /** A post was written or changed. Type `realtime:post:<action>`; without a target to the channel `content-updates`. */
  sendPostUpdateNotification<To extends OptionalTarget>(
    postId: string, action: PostUpdateAction, data: PostUpdateFields, ...to: To
  ): Sent<To>;
  /** A user's profile was changed. Type `realtime:profile:<action>`; without a target to the user `userId`. */
  sendProfileUpdateNotification<To extends OptionalTarget>(
    userId: string, action: ProfileUpdateAction, data: ProfileUpdateFields, ...to: To
  ): Sent<To>;
  /** A comment was written, changed or answered. Type `realtime:comment:<action>`; without a target to the channel `interactions`. */
  sendCommentNotification<To extends OptionalTarget>(
    commentId: string, action: CommentAction, data: CommentFields, ...to: To
  ): Sent<To>;
  /** A user signed in or out, or has a new password. Type `user:<action>`; without a target to the user `userId`. */
  sendUserSessionNotification<To extends OptionalTarget>(
    userId: string, action: UserSessionAction, data: UserSessionFields, ...to: To
  ): Sent<To>;
  /** A user reached something. Type `user:<achievement>`; without a target to the user `userId`. */
  sendAchievementNotification<To extends OptionalTarget>(
    userId: string, achievement: string, data: AchievementFields, ...to: To
  ): Sent<To>;
  /** Maintenance is planned, starts at once, or is over. Type `maintenance`; without a target to everyone. */
  sendMaintenanceNotification<To extends OptionalTarget>(
    maintenanceId: string, action: MaintenanceAction, data: MaintenanceFields, ...to: To
  ): Sent<To>;
  /** A warning. Type `security:alert`; without a target to everyone. */
  sendSecurityAlertNotification<To extends OptionalTarget>(
    alertId: string, severity: SecurityAlertSeverity, data: SecurityAlertFields, ...to: To
  ): Sent<To>;
  /** What another system told. Type as given; without a target to everyone. */
  sendWebhookNotification<To extends OptionalTarget>(
    type: string, data: Fields, ...to: To
  ): Sent<To>;
  /** Something that is shown has changed. Type as given; without a target to everyone. */
  sendRealtimeUpdateNotification<To extends OptionalTarget>(
    type: string, data: Fields, ...to: To
  ): Sent<To>;
  /** What a user did. Type as given; without a target to everyone. */
  sendUserActivityNotification<To extends OptionalTarget>(
    type: string, data: Fields, ...to: To
  ): Sent<To>;
  /** Something of the system itself. Type as given; without a target to everyone. */
  sendSystemNotification<To extends OptionalTarget>(
    type: string, data: Fields, ...to: To
  ): Sent<To>;
  /** Anything else, with the metadata of the catalogue. Type as given; without a target to everyone. */
  sendCustomNotification<To extends OptionalTarget>(
    type: string, data: Fields, ...to: To
  ): Sent<To>;
}

/**
 * What a request is made of: its route, the names of id and status, and where it goes without a target: to all, to
 * the kind's channel, to the user that it is about or that a field of data names, or nowhere.
 */
export const kinds = {
  sendPaymentNotification: { kind: "payment", id: "paymentId", status: "status", own: "data.customerId" },
  sendUserAccountNotification: { kind: "user-account", id: "userId", status: "action", own: "user" },
  sendSystemHealthNotification: { kind: "system-health", id: "systemId", status: "status", own: "channel" },
  sendJobNotification: { kind: "job", id: "jobId", status: "status", own: "" },
  sendVideoProcessingNotification: { kind: "video-processing", id: "videoId", status: "status", own: "" },
  sendDataExportNotification: { kind: "data-export", id: "exportId", status: "status", own: "" },
  sendBatchOperationNotification: { kind: "batch-operation", id: "batchId", status: "status", own: "" },
  sendPostUpdateNotification: { kind: "post-update", id: "postId", status: "action", own: "channel" },
  sendProfileUpdateNotification: { kind: "profile-update", id: "userId", status: "action", own: "user" },
  sendCommentNotification: { kind: "comment", id: "commentId", status: "action", own: "channel" },
  sendUserSessionNotification: { kind: "user-session", id: "userId", status: "action", own: "user" },
  sendAchievementNotification: { kind: "achievement", id: "userId", status: "achievement", own: "user" },
  sendMaintenanceNotification: { kind: "maintenance", id: "maintenanceId", status: "action", own: "all" },
  sendSecurityAlertNotification: { kind: "security-alert", id: "alertId", status: "severity", own: "all" },
  sendWebhookNotification: { kind: "webhook", id: "", status: "type", own: "all" },
  sendRealtimeUpdateNotification: { kind: "realtime-update", id: "", status: "type", own: "all" },
  sendUserActivityNotification: { kind: "user-activity", id: "", status: "type", own: "all" },
  sendSystemNotification: { kind: "system", id: "", status: "type", own: "all" },
  sendCustomNotification: { kind: "custom", id: "", status: "type", own: "all" },
} as const;
