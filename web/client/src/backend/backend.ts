import { emitFunctions, type EmitFunctions } from "./emit.ts";
import { caller } from "./http.ts";
import { type Manager, manager } from "./manager.ts";
import { notifyFunctions, type NotifyFunctions } from "./notify.ts";
import { presenceFunctions, type PresenceFunctions } from "./presence.ts";
import { realtimeUpdate, type RealtimeUpdate } from "./original.ts";
import { type AllKindFunctions, kindFunctions } from "./send.ts";
import type { BackendOptions } from "./types.ts";

/** The functions of this module, for one server. They need no `this`. */
export interface Backend
  extends AllKindFunctions, NotifyFunctions, EmitFunctions, PresenceFunctions
{
  sendRealtimeUpdate: RealtimeUpdate;
  SSEManager: Manager;
}

/**
 * Returns the functions for one server. Nothing happens before the first call, which throws when
 * the url or the key is missing. The functions of the module do the same for the server in the
 * environment.
 */
export function createBackend(options: BackendOptions = {}): Backend {
  const call = caller(options), kinds = kindFunctions(call);
  const sendRealtimeUpdate: RealtimeUpdate = (entityType, entityId, action, data, ...to) =>
    kinds.sendRealtimeUpdateNotification(
      ...realtimeUpdate(entityType, entityId, action, data),
      ...to,
    );
  return {
    ...kinds,
    sendRealtimeUpdate,
    ...notifyFunctions(call),
    ...emitFunctions(call),
    ...presenceFunctions(call),
    SSEManager: manager(call, { ...kinds, sendRealtimeUpdate }),
  };
}
