// Written by notify/catalogue/typescript from the server's table of kinds. Change that, then run make generate.

import type {
  PaymentStatus, UserAccountAction, SystemHealthStatus, JobStatus, VideoProcessingStatus,
  DataExportStatus, BatchOperationStatus, PostUpdateAction, ProfileUpdateAction, CommentAction,
  UserSessionAction, MaintenanceAction, SecurityAlertSeverity,
} from "../catalogue.ts";
import { standard } from "./configure.ts";
import type {
  PaymentFields, UserAccountFields, SystemHealthFields, JobFields, VideoProcessingFields,
  DataExportFields, BatchOperationFields, PostUpdateFields, ProfileUpdateFields, CommentFields,
  UserSessionFields, AchievementFields, MaintenanceFields, SecurityAlertFields,
} from "./kinds.ts";
import type { Fields, NamedTarget, OptionalTarget, Sent } from "./types.ts";

/** A payment was made, failed or was given back. Type `payment:<status>`; without a target to the user `data.customerId`. */
export function sendPaymentNotification<To extends OptionalTarget>(
  paymentId: string, status: PaymentStatus, data: PaymentFields, ...to: To
): Sent<To> {
  return standard().sendPaymentNotification(paymentId, status, data, ...to);
}

/** An account was made or changed. Type `user:<action>`; without a target to the user `userId`. */
export function sendUserAccountNotification<To extends OptionalTarget>(
  userId: string, action: UserAccountAction, data: UserAccountFields, ...to: To
): Sent<To> {
  return standard().sendUserAccountNotification(userId, action, data, ...to);
}

/** How a part of the system is. Type `system:<status>`; without a target to the channel `system-monitoring`. */
export function sendSystemHealthNotification<To extends OptionalTarget>(
  systemId: string, status: SystemHealthStatus, data: SystemHealthFields, ...to: To
): Sent<To> {
  return standard().sendSystemHealthNotification(systemId, status, data, ...to);
}

/** How a job goes. Type `job:<status>`; a target must be named. */
export function sendJobNotification<To extends NamedTarget>(
  jobId: string, status: JobStatus, data: JobFields, ...to: To
): Sent<To> {
  return standard().sendJobNotification(jobId, status, data, ...to);
}

/** How the processing of a video goes. Type `job:<status>`; a target must be named. */
export function sendVideoProcessingNotification<To extends NamedTarget>(
  videoId: string, status: VideoProcessingStatus, data: VideoProcessingFields, ...to: To
): Sent<To> {
  return standard().sendVideoProcessingNotification(videoId, status, data, ...to);
}

/** How an export goes. Type `job:<status>`; a target must be named. */
export function sendDataExportNotification<To extends NamedTarget>(
  exportId: string, status: DataExportStatus, data: DataExportFields, ...to: To
): Sent<To> {
  return standard().sendDataExportNotification(exportId, status, data, ...to);
}

/** How an operation on many things goes. Type `job:<status>`; a target must be named. */
export function sendBatchOperationNotification<To extends NamedTarget>(
  batchId: string, status: BatchOperationStatus, data: BatchOperationFields, ...to: To
): Sent<To> {
  return standard().sendBatchOperationNotification(batchId, status, data, ...to);
}

/** A post was written or changed. Type `realtime:post:<action>`; without a target to the channel `content-updates`. */
export function sendPostUpdateNotification<To extends OptionalTarget>(
  postId: string, action: PostUpdateAction, data: PostUpdateFields, ...to: To
): Sent<To> {
  return standard().sendPostUpdateNotification(postId, action, data, ...to);
}

/** A user's profile was changed. Type `realtime:profile:<action>`; without a target to the user `userId`. */
export function sendProfileUpdateNotification<To extends OptionalTarget>(
  userId: string, action: ProfileUpdateAction, data: ProfileUpdateFields, ...to: To
): Sent<To> {
  return standard().sendProfileUpdateNotification(userId, action, data, ...to);
}

/** A comment was written, changed or answered. Type `realtime:comment:<action>`; without a target to the channel `interactions`. */
export function sendCommentNotification<To extends OptionalTarget>(
  commentId: string, action: CommentAction, data: CommentFields, ...to: To
): Sent<To> {
  return standard().sendCommentNotification(commentId, action, data, ...to);
}

/** A user signed in or out, or has a new password. Type `user:<action>`; without a target to the user `userId`. */
export function sendUserSessionNotification<To extends OptionalTarget>(
  userId: string, action: UserSessionAction, data: UserSessionFields, ...to: To
): Sent<To> {
  return standard().sendUserSessionNotification(userId, action, data, ...to);
}

/** A user reached something. Type `user:<achievement>`; without a target to the user `userId`. */
export function sendAchievementNotification<To extends OptionalTarget>(
  userId: string, achievement: string, data: AchievementFields, ...to: To
): Sent<To> {
  return standard().sendAchievementNotification(userId, achievement, data, ...to);
}

/** Maintenance is planned, starts at once, or is over. Type `maintenance`; without a target to everyone. */
export function sendMaintenanceNotification<To extends OptionalTarget>(
  maintenanceId: string, action: MaintenanceAction, data: MaintenanceFields, ...to: To
): Sent<To> {
  return standard().sendMaintenanceNotification(maintenanceId, action, data, ...to);
}

/** A warning. Type `security:alert`; without a target to everyone. */
export function sendSecurityAlertNotification<To extends OptionalTarget>(
  alertId: string, severity: SecurityAlertSeverity, data: SecurityAlertFields, ...to: To
): Sent<To> {
  return standard().sendSecurityAlertNotification(alertId, severity, data, ...to);
}

/** What another system told. Type as given; without a target to everyone. */
export function sendWebhookNotification<To extends OptionalTarget>(
  type: string, data: Fields, ...to: To
): Sent<To> {
  return standard().sendWebhookNotification(type, data, ...to);
}

/** Something that is shown has changed. Type as given; without a target to everyone. */
export function sendRealtimeUpdateNotification<To extends OptionalTarget>(
  type: string, data: Fields, ...to: To
): Sent<To> {
  return standard().sendRealtimeUpdateNotification(type, data, ...to);
}

/** What a user did. Type as given; without a target to everyone. */
export function sendUserActivityNotification<To extends OptionalTarget>(
  type: string, data: Fields, ...to: To
): Sent<To> {
  return standard().sendUserActivityNotification(type, data, ...to);
}

/** Something of the system itself. Type as given; without a target to everyone. */
export function sendSystemNotification<To extends OptionalTarget>(
  type: string, data: Fields, ...to: To
): Sent<To> {
  return standard().sendSystemNotification(type, data, ...to);
}

/** Anything else, with the metadata of the catalogue. Type as given; without a target to everyone. */
export function sendCustomNotification<To extends OptionalTarget>(
  type: string, data: Fields, ...to: To
): Sent<To> {
  return standard().sendCustomNotification(type, data, ...to);
}
