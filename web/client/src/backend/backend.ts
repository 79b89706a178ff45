import { caller } from "./http.ts";
import type { KindFunctions } from "./kinds.ts";
import { type Manager, manager } from "./manager.ts";
import { notifyFunctions, type NotifyFunctions } from "./notify.ts";
import { presenceFunctions, type PresenceFunctions } from "./presence.ts";
import { kindFunctions } from "./send.ts";
import type { BackendOptions } from "./types.ts";

/** All functions, for one server. They need no `this`. */
export interface Backend extends KindFunctions, NotifyFunctions, PresenceFunctions {
  SSEManager: Manager;
}

/**
 * Returns the functions for a server. Nothing happens before the first call, which throws when url or key is missing.
 * For one server in the environment the functions of the module do.
 */
export function createBackend(options: BackendOptions = {}): Backend {
  const call = caller(options);
  return { ...kindFunctions(call), ...notifyFunctions(call), ...presenceFunctions(call), SSEManager: manager(call) };
}
