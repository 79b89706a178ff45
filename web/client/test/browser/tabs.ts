// Helpers for tests of a shared connection. Each client plays a tab: BroadcastChannel and Web Locks
// work within one page too.

import { expect, onTestFinished, vi } from "vitest";
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

type Stop = "freeze" | "pagehide";
type Back = "resume" | "pageshow";

/**
 * Connects a tab whose page the browser can stop. While it is stopped it gets no event of the other
 * tabs, as a page in the browser's cache.
 */
export async function openTab(options: Options) {
  const Real = BroadcastChannel, add = vi.spyOn(globalThis, "addEventListener");
  let bus: BroadcastChannel | undefined;
  vi.stubGlobal(
    "BroadcastChannel",
    class extends Real {
      constructor(name: string) {
        super(name);
        bus = this;
      }
    },
  );
  onTestFinished(() => void vi.unstubAllGlobals());
  const tab = listen(options);
  await expect.poll(() => bus?.onmessage).toBeDefined();
  vi.unstubAllGlobals();
  // The tab listens before its connection does.
  const listeners = new Map((add.mock.calls as unknown as [string, any][]).reverse());
  add.mockRestore();
  await expect.poll(() => tab.status).toBe("connected");
  const receive = bus!.onmessage;
  return {
    tab,
    stop(event: Stop) {
      listeners.get(event)({ persisted: true });
      bus!.onmessage = null;
    },
    run(event: Back) {
      bus!.onmessage = receive;
      listeners.get(event)({ persisted: true });
    },
  };
}
