import { standard } from "./configure.ts";
import type { EmitFunctions } from "./emit.ts";
import type { Manager } from "./manager.ts";
import type { OriginalForms, RealtimeUpdate } from "./original.ts";
import type { NotifyFunctions } from "./notify.ts";
import type { PresenceFunctions } from "./presence.ts";

// The functions of Backend besides the kinds, as exports of the module. Each call looks up the
// backend, so that configure may run after the import.

/**
 * Sends a text, or a notification of any type, to one connection. Resolves with whether it exists
 * now.
 */
export const notifyClient: NotifyFunctions["notifyClient"] = (...args: [any, any]) =>
  standard().notifyClient(...args);
/**
 * Sends a text, or a notification of any type, to a user. Resolves with how many connections there
 * are now.
 */
export const notifyUser: NotifyFunctions["notifyUser"] = (...args: [any, any]) =>
  standard().notifyUser(...args);
/** Sends a notification to many users. Resolves with how many of them are online. */
export const sendMultiUserNotification: NotifyFunctions["sendMultiUserNotification"] = (
  ...args: [any, any]
) => standard().sendMultiUserNotification(...args);
/**
 * Sends a notification to the members of many channels. Resolves with how many channels have
 * members.
 */
export const sendMultiChannelNotification: NotifyFunctions["sendMultiChannelNotification"] = (
  ...args: [any, any]
) => standard().sendMultiChannelNotification(...args);

/** Emits an event with bare arguments. Resolves with the number of current connections. */
export const emit: EmitFunctions["emit"] = (...args) => standard().emit(...args);
/** Emits an event and waits for acknowledgements. Resolves with undefined after a failure. */
export const emitWithAck: EmitFunctions["emitWithAck"] = (...args) =>
  standard().emitWithAck(...args);

/** Joins current connections to a channel. Resolves with their number. */
export const joinChannel: PresenceFunctions["joinChannel"] = (...args) =>
  standard().joinChannel(...args);
/** Removes connections from a channel. Resolves with how many were in it. */
export const leaveChannel: PresenceFunctions["leaveChannel"] = (...args) =>
  standard().leaveChannel(...args);
/** Resolves with credentials for one connection of a user, or with undefined after a failure. */
export const issueTicket: PresenceFunctions["issueTicket"] = (...args) =>
  standard().issueTicket(...args);
/** Resolves with the stored notifications of a user or a channel, oldest first. */
export const getHistory: PresenceFunctions["getHistory"] = (...args) =>
  standard().getHistory(...args);

/** Maintenance, in both forms. See {@link OriginalForms}. */
export const sendMaintenanceNotification = ((...args: any[]) =>
  (standard() as any).sendMaintenanceNotification(...args)) as OriginalForms["sendMaintenanceNotification"];
/** A security warning, in both forms. */
export const sendSecurityAlertNotification = ((...args: any[]) =>
  (standard() as any).sendSecurityAlertNotification(...args)) as OriginalForms["sendSecurityAlertNotification"];
/** The progress of an operation on many items, in both forms. */
export const sendBatchOperationNotification = ((...args: any[]) =>
  (standard() as any).sendBatchOperationNotification(...args)) as OriginalForms["sendBatchOperationNotification"];
/** Any other event, in both forms. */
export const sendCustomNotification = ((...args: any[]) =>
  (standard() as any).sendCustomNotification(...args)) as OriginalForms["sendCustomNotification"];
/** An activity of a user, in both forms. */
export const sendUserActivityNotification = ((...args: any[]) =>
  (standard() as any).sendUserActivityNotification(...args)) as OriginalForms["sendUserActivityNotification"];
/** Sends a change of an entity. See {@link RealtimeUpdate}. */
export const sendRealtimeUpdate = ((...args: any[]) =>
  (standard() as any).sendRealtimeUpdate(...args)) as RealtimeUpdate;

/** The connections, and sends of any type. */
export const SSEManager: Manager = {
  sendSystemNotification: (...args: any[]) =>
    (standard().SSEManager as any).sendSystemNotification(...args),
  sendWebhookNotification: (...args: any[]) =>
    (standard().SSEManager as any).sendWebhookNotification(...args),
  sendJobNotification: (...args: any[]) =>
    (standard().SSEManager as any).sendJobNotification(...args),
  sendUserActivityNotification: (...args: any[]) =>
    (standard().SSEManager as any).sendUserActivityNotification(...args),
  sendRealtimeUpdate: (...args: any[]) =>
    (standard().SSEManager as any).sendRealtimeUpdate(...args),
  notifyClient: (...args) => standard().SSEManager.notifyClient(...args),
  notifyUser: (...args) => standard().SSEManager.notifyUser(...args),
  isClientConnected: (...args) => standard().SSEManager.isClientConnected(...args),
  sendToClient: (...args: [any, any]) => standard().SSEManager.sendToClient(...args),
  sendToUser: (...args: [any, any]) => standard().SSEManager.sendToUser(...args),
  sendToChannel: (...args: [any, any]) => standard().SSEManager.sendToChannel(...args),
  broadcast: (...args: [any]) => standard().SSEManager.broadcast(...args),
  getConnections: () => standard().SSEManager.getConnections(),
  isUserOnline: (...args) => standard().SSEManager.isUserOnline(...args),
  getUserClients: (...args) => standard().SSEManager.getUserClients(...args),
  disconnectClient: (...args) => standard().SSEManager.disconnectClient(...args),
  disconnectUser: (...args) => standard().SSEManager.disconnectUser(...args),
};
