import { type Backend, createBackend } from "./backend.ts";
import type { BackendOptions } from "./types.ts";

let backend: Backend | undefined;

/** Sets how the functions of the module reach the server (default: by the environment). */
export function configure(options: BackendOptions): void {
  backend = createBackend(options);
}

/** Returns the backend that the functions of the module use. */
export function standard(): Backend {
  return backend ??= createBackend();
}
