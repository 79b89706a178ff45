// Real servers and real readers for tests that run in Node. All of them end with the test that asked for them.

import { onTestFinished } from "vitest";
import { type BackendOptions, createBackend } from "../../../src/backend/index.ts";
import type { Notification } from "../../../src/types.ts";
import { openStream } from "../../../../e2e/clients.mjs";
import { API_KEY, Server } from "../../../../e2e/harness.mjs";
import { retry } from "../../../../e2e/wait.mjs";

/** Starts a server for one test. */
export async function startServer(env: Record<string, string> = {}): Promise<Server> {
  const server = await Server.run(env);
  onTestFinished(() => server.stop());
  return server;
}

/** Starts a server for all tests of a file, and gives it to them. It is what beforeAll is given, which takes the end from it. */
export function serverForAll(give: (server: Server) => void) {
  return async () => {
    const server = await Server.run();
    give(server);
    return () => server.stop();
  };
}

/** What a backend of a test has kept of its faults. */
export interface Faults {
  lines: string[];
  errors: { code: string; status: number | undefined; field: string | undefined; function: string; attempt: number }[];
}

/** A backend, and what it said of its faults. */
export function backendOf(url: string, options: BackendOptions = {}) {
  const faults: Faults = { lines: [], errors: [] };
  const backend = createBackend({
    url, apiKey: API_KEY,
    log: (line) => faults.lines.push(line),
    onError: ({ code, status, field }, call) => faults.errors.push({ code, status, field, ...call }),
    ...options,
  });
  return { ...backend, faults };
}

/** A stream that a test reads. */
export interface Reader {
  clientId: string;
  /** The notifications so far, control events left out. */
  got(): Notification[];
  /** Resolves with the next notification that nobody has taken yet. */
  next(): Promise<Notification>;
}

/** Connects an EventSource that gets every notification. */
export async function openReader(server: Server, query: Record<string, string | string[]>): Promise<Reader> {
  const stream: any = await openStream({ after: onTestFinished }, server, { as: "message", ...query }, { name: String(query.userId) });
  const { tape, connected } = stream;
  const got = () => tape.items.filter(({ name }: any) => name === "message").map(({ data }: any) => data);
  let taken = 0;
  return {
    clientId: connected.clientId, got,
    next: () => tape.until(() => got()[taken], `notification ${taken + 1}`).then((notification: Notification) => (taken++, notification)),
  };
}

/** Resolves when the server has seen the end of every connection. */
export async function nobodyLeft(server: Server): Promise<void> {
  await retry(async () => (await server.api("GET", "/v1/stats")).json.total === 0, "the end of all connections");
}
