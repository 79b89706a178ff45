// Written by notify/typescript from the server's table of kinds. Change that, then run make generate.

export type Priority = "low" | "medium" | "normal" | "high";

/** What all kinds of the catalogue say of themselves: in data.metadata, and in the metadata beside data. */
export interface KindMetadata {
  /** The kind's, or the backend's own word. */
  category: string;
  priority: Priority;
  /** What it came from: "webhook", "job-processor", "realtime-update", "user-activity", "system" or the backend's word. */
  source?: string;
  /** Of the system itself, for everyone who watches it. */
  system?: true;
  [field: string]: unknown;
}

export type PaymentStatus = "pending" | "completed" | "failed" | "refunded";

/** A payment was made, failed or was given back. The type is `payment:<status>`. */
export interface PaymentData<Status extends PaymentStatus = PaymentStatus> {
  /** The payment. */
  paymentId: string;
  /** What became of it. */
  status: Status;
  /** Who pays: the user who is told. */
  customerId?: string;
  /** In the main unit of the currency: 9.99. */
  amount?: number;
  /** ISO 4217: EUR. */
  currency?: string;
  /** What was paid for. */
  orderId?: string;
  /** How it was paid, such as card. */
  method?: string;
  /** For people. */
  description?: string;
  /** Why it failed or was given back. */
  reason?: string;
  /** Where the receipt is. */
  receiptUrl?: string;
  metadata: KindMetadata;
  /** What else the backend gave. */
  [field: string]: unknown;
}

export type UserAccountAction = "created" | "updated" | "deleted" | "suspended" | "activated";

/** An account was made or changed. The type is `user:<action>`. */
export interface UserAccountData<Action extends UserAccountAction = UserAccountAction> {
  /** Whose account it is. */
  userId: string;
  /** What was done. */
  action: Action;
  /** The account's name. */
  username?: string;
  /** The account's address. */
  email?: string;
  /** Why, for people. */
  reason?: string;
  metadata: KindMetadata;
  /** What else the backend gave. */
  [field: string]: unknown;
}

export type SystemHealthStatus = "healthy" | "warning" | "critical" | "offline";

/** How a part of the system is. The type is `system:<status>`. */
export interface SystemHealthData<Status extends SystemHealthStatus = SystemHealthStatus> {
  /** Which part, such as database. */
  systemId: string;
  /** How it is. */
  status: Status;
  /** For people. */
  message?: string;
  /** What was measured, such as cpu. */
  metric?: string;
  /** Of the metric, in its own unit. */
  value?: number;
  /** Of the metric, in its own unit. */
  threshold?: number;
  /** Several metrics by name. */
  metrics?: Record<string, unknown>;
  /** When it was measured. RFC 3339. */
  checkedAt?: string;
  metadata: KindMetadata;
  /** What else the backend gave. */
  [field: string]: unknown;
}

export type JobStatus = "started" | "processing" | "progress" | "completed" | "failed";

/** How a job goes. The type is `job:<status>`. */
export interface JobData<Status extends JobStatus = JobStatus> {
  /** The job. */
  jobId: string;
  /** How far it is. */
  status: Status;
  /** What kind of job, such as report. */
  jobType?: string;
  /** Who asked for it. */
  userId?: string;
  /** How far it is. From 0 to 100 %. */
  progress?: number;
  /** For people. */
  message?: string;
  /** What came of it. */
  result?: unknown;
  /** Why it failed. */
  error?: string;
  /** How long it took. In ms. At least 0. */
  durationMs?: number;
  metadata: KindMetadata;
  /** What else the backend gave. */
  [field: string]: unknown;
}

export type VideoProcessingStatus = "started" | "processing" | "completed" | "failed";

/** How the processing of a video goes. The type is `job:<status>`. */
export interface VideoProcessingData<Status extends VideoProcessingStatus = VideoProcessingStatus> {
  /** The video. */
  videoId: string;
  /** How far it is. */
  status: Status;
  /** Tells these jobs from others. */
  jobType: "video-processing";
  /** The same as videoId when left out, so that handlers of all jobs find one. */
  jobId: string;
  /** How far it is. From 0 to 100 %. */
  progress?: number;
  /** The video's. */
  title?: string;
  /** Where to see it. */
  url?: string;
  /** A picture of it. */
  thumbnailUrl?: string;
  /** Why it failed. */
  error?: string;
  /** How long it took. In ms. At least 0. */
  durationMs?: number;
  metadata: KindMetadata;
  /** What else the backend gave. */
  [field: string]: unknown;
}

export type DataExportStatus = "started" | "processing" | "completed" | "failed";

/** How an export goes. The type is `job:<status>`. */
export interface DataExportData<Status extends DataExportStatus = DataExportStatus> {
  /** The export. */
  exportId: string;
  /** How far it is. */
  status: Status;
  /** Tells these jobs from others. */
  jobType: "data-export";
  /** The same as exportId when left out, so that handlers of all jobs find one. */
  jobId: string;
  /** How far it is. From 0 to 100 %. */
  progress?: number;
  /** Of the file, such as csv. */
  format?: string;
  /** Records in it. At least 0. */
  recordCount?: number;
  /** Of the file. In bytes. At least 0. */
  sizeBytes?: number;
  /** Where the file is. */
  downloadUrl?: string;
  /** Until when it can be downloaded. RFC 3339. */
  expiresAt?: string;
  /** Why it failed. */
  error?: string;
  /** How long it took. In ms. At least 0. */
  durationMs?: number;
  metadata: KindMetadata;
  /** What else the backend gave. */
  [field: string]: unknown;
}

export type BatchOperationStatus = "started" | "processing" | "completed" | "failed";

/** How an operation on many things goes. The type is `job:<status>`. */
export interface BatchOperationData<Status extends BatchOperationStatus = BatchOperationStatus> {
  /** The batch. */
  batchId: string;
  /** How far it is. */
  status: Status;
  /** Tells these jobs from others. */
  jobType: "batch-operation";
  /** The same as batchId when left out, so that handlers of all jobs find one. */
  jobId: string;
  /** How far it is. From 0 to 100 %. */
  progress?: number;
  /** What is done, such as archive. */
  operation?: string;
  /** Things in the batch. At least 0. */
  total?: number;
  /** Of these, those that failed included. At least 0. */
  processed?: number;
  /** Of these. At least 0. */
  failed?: number;
  /** Why it failed. */
  error?: string;
  /** How long it took. In ms. At least 0. */
  durationMs?: number;
  metadata: KindMetadata;
  /** What else the backend gave. */
  [field: string]: unknown;
}

export type PostUpdateAction = "created" | "updated" | "deleted" | "published" | "unpublished";

/** A post was written or changed. The type is `realtime:post:<action>`. */
export interface PostUpdateData<Action extends PostUpdateAction = PostUpdateAction> {
  /** The post. */
  postId: string;
  /** What was done. */
  action: Action;
  /** The post's. */
  title?: string;
  /** The user who wrote it. */
  authorId?: string;
  /** The first lines. */
  excerpt?: string;
  /** Where to read it. */
  url?: string;
  /** The post's. */
  tags?: string[];
  metadata: KindMetadata;
  /** What else the backend gave. */
  [field: string]: unknown;
}

export type ProfileUpdateAction = "updated" | "avatar_changed" | "settings_changed";

/** A user's profile was changed. The type is `realtime:profile:<action>`. */
export interface ProfileUpdateData<Action extends ProfileUpdateAction = ProfileUpdateAction> {
  /** Whose profile it is. */
  userId: string;
  /** What was changed. */
  action: Action;
  /** The user's name. */
  username?: string;
  /** The new picture. */
  avatarUrl?: string;
  /** The names of what was changed. */
  changedFields?: string[];
  /** The new ones. */
  settings?: Record<string, unknown>;
  metadata: KindMetadata;
  /** What else the backend gave. */
  [field: string]: unknown;
}

export type CommentAction = "created" | "updated" | "deleted" | "liked" | "replied";

/** A comment was written, changed or answered. The type is `realtime:comment:<action>`. */
export interface CommentData<Action extends CommentAction = CommentAction> {
  /** The comment. */
  commentId: string;
  /** What was done. */
  action: Action;
  /** What it is about. */
  postId?: string;
  /** The comment that it answers. */
  parentId?: string;
  /** The user who wrote it. */
  authorId?: string;
  /** Its text. */
  content?: string;
  /** So far. At least 0. */
  likes?: number;
  metadata: KindMetadata;
  /** What else the backend gave. */
  [field: string]: unknown;
}

export type UserSessionAction = "login" | "logout" | "session_expired" | "password_changed";

/** A user signed in or out, or has a new password. The type is `user:<action>`. */
export interface UserSessionData<Action extends UserSessionAction = UserSessionAction> {
  /** Whose session it is. */
  userId: string;
  /** What was done. */
  action: Action;
  /** Of the application, not a secret. */
  sessionId?: string;
  /** Where it came from. */
  ip?: string;
  /** The browser's. */
  userAgent?: string;
  /** Why, for people. */
  reason?: string;
  /** When the session ends. RFC 3339. */
  expiresAt?: string;
  metadata: KindMetadata;
  /** What else the backend gave. */
  [field: string]: unknown;
}

/** A user reached something. The type is `user:<achievement>`. */
export interface AchievementData<Achievement extends string = string> {
  /** Who reached it. */
  userId: string;
  /** A name of yours, such as level_up: with it clients tell one from another. */
  achievement: Achievement;
  /** For people. */
  title?: string;
  /** For people. */
  description?: string;
  /** Got for it. */
  points?: number;
  /** Reached. At least 0. */
  level?: number;
  /** A picture. */
  badgeUrl?: string;
  metadata: KindMetadata;
  /** What else the backend gave. */
  [field: string]: unknown;
}

export type MaintenanceAction = "scheduled" | "emergency" | "completed";

/** Maintenance is planned, starts at once, or is over. The type is `maintenance`. */
export interface MaintenanceData<Action extends MaintenanceAction = MaintenanceAction> {
  /** The maintenance, the same from scheduled to completed. */
  maintenanceId: string;
  /** What is with it. */
  action: Action;
  /** For people. */
  title?: string;
  /** For people. */
  message?: string;
  /** When it starts. RFC 3339. */
  startTime?: string;
  /** When it is expected to be over. RFC 3339. */
  endTime?: string;
  /** Which ones. */
  affectedServices?: string[];
  /** Where to read more. */
  url?: string;
  metadata: KindMetadata;
  /** What else the backend gave. */
  [field: string]: unknown;
}

export type SecurityAlertSeverity = "low" | "medium" | "high" | "critical";

/** A warning. The type is `security:alert`. */
export interface SecurityAlertData<Severity extends SecurityAlertSeverity = SecurityAlertSeverity> {
  /** The alert. */
  alertId: string;
  /** How bad it is. */
  severity: Severity;
  /** What it is, such as brute_force. */
  alertType?: string;
  /** For people. */
  message?: string;
  /** Whom it is about. */
  userId?: string;
  /** Where it came from. */
  ip?: string;
  /** When it was seen. RFC 3339. */
  detectedAt?: string;
  /** Where to read more, or to act. */
  url?: string;
  metadata: KindMetadata;
  /** What else the backend gave. */
  [field: string]: unknown;
}

/**
 * What a handler of the types that job, video-processing, data-export and batch-operation share finds:
 * the fields of all, and of each. `jobType` tells them apart.
 */
export interface AnyJobData<Status extends JobStatus = JobStatus> {
  /** The job, or the own id of a special kind. */
  jobId: string;
  /** How far it is. */
  status: Status;
  /** What kind of job, such as report. */
  jobType?: string;
  /** Who asked for it. */
  userId?: string;
  /** How far it is. From 0 to 100 %. */
  progress?: number;
  /** For people. */
  message?: string;
  /** What came of it. */
  result?: unknown;
  /** Why it failed. */
  error?: string;
  /** How long it took. In ms. At least 0. */
  durationMs?: number;
  /** video-processing: The video. */
  videoId?: string;
  /** video-processing: The video's. */
  title?: string;
  /** video-processing: Where to see it. */
  url?: string;
  /** video-processing: A picture of it. */
  thumbnailUrl?: string;
  /** data-export: The export. */
  exportId?: string;
  /** data-export: Of the file, such as csv. */
  format?: string;
  /** data-export: Records in it. At least 0. */
  recordCount?: number;
  /** data-export: Of the file. In bytes. At least 0. */
  sizeBytes?: number;
  /** data-export: Where the file is. */
  downloadUrl?: string;
  /** data-export: Until when it can be downloaded. RFC 3339. */
  expiresAt?: string;
  /** batch-operation: The batch. */
  batchId?: string;
  /** batch-operation: What is done, such as archive. */
  operation?: string;
  /** batch-operation: Things in the batch. At least 0. */
  total?: number;
  /** batch-operation: Of these, those that failed included. At least 0. */
  processed?: number;
  /** batch-operation: Of these. At least 0. */
  failed?: number;
  metadata: KindMetadata;
  /** What else the backend gave. */
  [field: string]: unknown;
}

/**
 * What the handler of each type finds in `data`. Add types of your own:
 * `declare module "roomcast" { interface Catalogue { "order:shipped": { orderId: string } } }`.
 */
export interface Catalogue {
  "payment:pending": PaymentData<"pending">;
  "payment:completed": PaymentData<"completed">;
  "payment:failed": PaymentData<"failed">;
  "payment:refunded": PaymentData<"refunded">;
  "user:created": UserAccountData<"created">;
  "user:updated": UserAccountData<"updated">;
  "user:deleted": UserAccountData<"deleted">;
  "user:suspended": UserAccountData<"suspended">;
  "user:activated": UserAccountData<"activated">;
  "system:healthy": SystemHealthData<"healthy">;
  "system:warning": SystemHealthData<"warning">;
  "system:critical": SystemHealthData<"critical">;
  "system:offline": SystemHealthData<"offline">;
  "job:started": AnyJobData<"started">;
  "job:processing": AnyJobData<"processing">;
  "job:progress": JobData<"progress">;
  "job:completed": AnyJobData<"completed">;
  "job:failed": AnyJobData<"failed">;
  "realtime:post:created": PostUpdateData<"created">;
  "realtime:post:updated": PostUpdateData<"updated">;
  "realtime:post:deleted": PostUpdateData<"deleted">;
  "realtime:post:published": PostUpdateData<"published">;
  "realtime:post:unpublished": PostUpdateData<"unpublished">;
  "realtime:profile:updated": ProfileUpdateData<"updated">;
  "realtime:profile:avatar_changed": ProfileUpdateData<"avatar_changed">;
  "realtime:profile:settings_changed": ProfileUpdateData<"settings_changed">;
  "realtime:comment:created": CommentData<"created">;
  "realtime:comment:updated": CommentData<"updated">;
  "realtime:comment:deleted": CommentData<"deleted">;
  "realtime:comment:liked": CommentData<"liked">;
  "realtime:comment:replied": CommentData<"replied">;
  "user:login": UserSessionData<"login">;
  "user:logout": UserSessionData<"logout">;
  "user:session_expired": UserSessionData<"session_expired">;
  "user:password_changed": UserSessionData<"password_changed">;
  "maintenance": MaintenanceData;
  "security:alert": SecurityAlertData;
}
