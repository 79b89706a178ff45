import { type Backend, createBackend } from "./backend.ts";
import type { BackendOptions } from "./types.ts";

let backend: Backend | undefined;

/** Says how the functions of the module reach the server, from now on. Without it the environment says so. */
export function configure(options: BackendOptions): void {
  backend = createBackend(options);
}

/** The backend that the functions of the module use. */
export function standard(): Backend {
  return backend ??= createBackend();
}
