import { standard } from "./configure.ts";
import type { Manager } from "./manager.ts";
import type { NotifyFunctions } from "./notify.ts";
import type { PresenceFunctions } from "./presence.ts";

// What Backend has besides the kinds, as exports of the module; the types say more of each. The backend is looked up at
// each call, so that configure may come after the import.

/** Sends a text, or a notification of any type, to one connection. Resolves with whether it is there now. */
export const notifyClient: NotifyFunctions["notifyClient"] = (...args: [any, any]) => standard().notifyClient(...args);
/** Sends a text, or a notification of any type, to a user. Resolves with how many connections there are now. */
export const notifyUser: NotifyFunctions["notifyUser"] = (...args: [any, any]) => standard().notifyUser(...args);
/** Sends a notification to many users. Resolves with how many of them are online. */
export const sendMultiUserNotification: NotifyFunctions["sendMultiUserNotification"] =
  (...args: [any, any]) => standard().sendMultiUserNotification(...args);
/** Sends a notification to the members of many channels. Resolves with how many of the channels have one. */
export const sendMultiChannelNotification: NotifyFunctions["sendMultiChannelNotification"] =
  (...args: [any, any]) => standard().sendMultiChannelNotification(...args);

/** Puts connections that are there now into a channel. Resolves with how many they are. */
export const joinChannel: PresenceFunctions["joinChannel"] = (...args) => standard().joinChannel(...args);
/** Takes connections out of a channel. Resolves with how many were in it. */
export const leaveChannel: PresenceFunctions["leaveChannel"] = (...args) => standard().leaveChannel(...args);
/** Resolves with credentials for one connection of a user, or with undefined when there are none to be had. */
export const issueTicket: PresenceFunctions["issueTicket"] = (...args) => standard().issueTicket(...args);
/** Resolves with what is kept of a user's or a channel's notifications, oldest first. */
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
