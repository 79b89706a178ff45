import type { Client, Options } from "./types.ts";

/** Connects to a server. */
export function connect(_options: Options = {}): Client {
  throw new Error("not yet");
}
