// Common parts of the tests of the hooks: servers, waits, and a console that must stay empty.

import { cleanup, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { SOON } from "../../../e2e/wait.mjs";
import { commands } from "../browser/server.ts";

export { commands, serve } from "../browser/server.ts";

/** A token secret for `serve({ AUTH_MODE: "token", JWT_SECRET })`. */
export const JWT_SECRET = "0123456789abcdef0123456789abcdef";

const complaints: unknown[][] = [];

beforeEach(() => {
  complaints.length = 0;
  for (const name of ["error", "warn"] as const)
    vi.spyOn(console, name).mockImplementation((...what) => void complaints.push(what));
});

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  expect(complaints).toEqual([]); // React warns in the console
});

/** Resolves when check no longer throws. */
export const soon = <T>(check: () => T | Promise<T>) =>
  waitFor(check, { timeout: SOON, interval: 20 });

const openings: string[] = [];

/** Returns how often the page connected to a server. */
export const opened = (url: string) =>
  openings.filter((to) => new URL(to).host === new URL(url).host).length;

const { EventSource: Stream, WebSocket: Socket } = globalThis;

beforeEach(() => {
  globalThis.EventSource = class extends Stream {
    constructor(url: string | URL, init?: EventSourceInit) {
      super(url, init);
      openings.push(`${url}`);
    }
  };
  globalThis.WebSocket = class extends Socket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      openings.push(`${url}`);
    }
  };
});

afterEach(() => {
  globalThis.EventSource = Stream;
  globalThis.WebSocket = Socket;
});

export interface Connection {
  clientId: string;
  transport: string;
  userId: string;
  rooms: string[];
}

/** Resolves with the current connections of the server. */
export async function connectionsOf(url: string): Promise<Connection[]> {
  const { json } = await commands.api(url, "GET", "/v1/connections");
  return (json as { connections: Connection[] }).connections;
}

/** Resolves when the server has n connections. */
export const connections = (url: string, n: number) =>
  soon(async () => {
    const list = await connectionsOf(url);
    expect(list).toHaveLength(n);
    return list;
  });

/** Publishes to a user. */
export const tell = (url: string, user: string, type: string, data: unknown) =>
  commands.publish(url, { target: { user }, type, data }) as Promise<
    { id: string; delivered: number }
  >;

/** Returns and removes the console messages so far, for tests that expect some. */
export const complained = () => complaints.splice(0);
