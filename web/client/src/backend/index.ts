export { type Backend, createBackend } from "./backend.ts";
export { configure } from "./configure.ts";
export { type AnyEvents, createHandler, type Handler, type HandlerOptions } from "./handler/index.ts";
export { Refusal, refusal } from "./handler/refusal.ts";
export type { Functions } from "./handler/functions.ts";
export type { ConnectionListener, Entering, HookNamespace, Middleware } from "./handler/namespace.ts";
export type { NodeRequest, NodeResponse } from "./handler/node.ts";
export type { Broadcast } from "./handler/recipients.ts";
export type {
  AnsweredEmit,
  ConnectAnswer,
  ConnectRequest,
  Handshake,
  HookAnswer,
  HookConnection,
  HookEvent,
  WebhookEvent,
} from "./handler/requests.ts";
export type { HookSocket } from "./handler/socket.ts";
export * from "./functions.ts";
export * from "./module.ts";
// These have a second form; functions.ts has the generated one.
export {
  sendBatchOperationNotification,
  sendCustomNotification,
  sendMaintenanceNotification,
  sendSecurityAlertNotification,
  sendUserActivityNotification,
} from "./module.ts";
export type * from "./kinds.ts";
export type { Acks, EmitFunctions, EmitTo } from "./emit.ts";
export type { ClientId, Manager } from "./manager.ts";
export type { OriginalForms, RealtimeUpdate } from "./original.ts";
export type { NotifyFunctions } from "./notify.ts";
export type { History, PresenceFunctions, Ticket, TicketOptions, Who } from "./presence.ts";
export type {
  BackendError,
  BackendOptions,
  ConnectionInfo,
  Connections,
  FailedCall,
  Fields,
  GivenMetadata,
  Multi,
  NamedTarget,
  OptionalTarget,
  Outgoing,
  SendOptions,
  Sent,
  Target,
} from "./types.ts";
