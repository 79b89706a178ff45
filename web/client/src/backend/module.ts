import { standard } from "./configure.ts";
import type { Manager } from "./manager.ts";
import type { NotifyFunctions } from "./notify.ts";
import type { PresenceFunctions } from "./presence.ts";

// What Backend has besides the kinds, as exports of the module. Their backend is looked up at each call, so that
// configure may come after the import.

/** @see {@link NotifyFunctions.notifyClient} */
export const notifyClient: NotifyFunctions["notifyClient"] = (...args: [any, any]) => standard().notifyClient(...args);
/** @see {@link NotifyFunctions.notifyUser} */
export const notifyUser: NotifyFunctions["notifyUser"] = (...args: [any, any]) => standard().notifyUser(...args);
/** @see {@link NotifyFunctions.sendMultiUserNotification} */
export const sendMultiUserNotification: NotifyFunctions["sendMultiUserNotification"] =
  (...args: [any, any]) => standard().sendMultiUserNotification(...args);
/** @see {@link NotifyFunctions.sendMultiChannelNotification} */
export const sendMultiChannelNotification: NotifyFunctions["sendMultiChannelNotification"] =
  (...args: [any, any]) => standard().sendMultiChannelNotification(...args);

/** @see {@link PresenceFunctions.joinChannel} */
export const joinChannel: PresenceFunctions["joinChannel"] = (...args) => standard().joinChannel(...args);
/** @see {@link PresenceFunctions.leaveChannel} */
export const leaveChannel: PresenceFunctions["leaveChannel"] = (...args) => standard().leaveChannel(...args);
/** @see {@link PresenceFunctions.issueTicket} */
export const issueTicket: PresenceFunctions["issueTicket"] = (...args) => standard().issueTicket(...args);
/** @see {@link PresenceFunctions.getHistory} */
export const getHistory: PresenceFunctions["getHistory"] = (...args) => standard().getHistory(...args);

/** Who is connected, and sends of any type. */
export const SSEManager: Manager = {
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
