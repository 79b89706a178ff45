// Helpers for tests of a shared connection. Each client plays a tab: BroadcastChannel and Web Locks
// work within one page too.

import { expect, vi } from "vitest";
import type { Options } from "../../src/index.ts";
import { commands, listen } from "./server.ts";

/** Resolves with the name of the lock and the BroadcastChannel of tabs with these options. */
export async function nameOf(options: Options): Promise<string> {
  const request = vi.spyOn(LockManager.prototype, "request"), tab = listen(options);
  await expect.poll(() => request.mock.calls.length).toBeGreaterThan(0);
  tab.close();
  const [[name]] = request.mock.calls as unknown as [[string]];
  request.mockRestore();
  return name;
}

/** Resolves with the current connections of the server. */
export const connections = async (url: string) =>
  ((await commands.api(url, "GET", "/v1/connections")).json as any).connections;
