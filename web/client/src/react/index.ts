export type { DataHandler, Handlers } from "./handlers.ts";
export {
  useEventSource,
  useSocket,
  useSSE,
  type EventSourceResult,
  type SocketResult,
} from "./hooks.ts";
export { useLive, type LiveHookOptions, type LiveResult } from "./live.ts";
export { useNotifications, type NotificationOf, type Notifications } from "./notifications.ts";
export type { HookOptions } from "./options.ts";
export { RoomcastProvider, useRoomcast, type ProviderProps } from "./provider.ts";
export type * from "../types.ts";
export type { Catalogue } from "../catalogue.ts";
