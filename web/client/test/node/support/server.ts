// Real servers and real readers for tests in Node. They end with their test.

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

/**
 * Returns the argument of beforeAll that starts a server for all tests of a file. give: stores it.
 */
export function serverForAll(give: (server: Server) => void) {
  return async () => {
    const server = await Server.run();
    give(server);
    return () => server.stop();
  };
}

/** The failures that a backend reported. */
export interface Faults {
  lines: string[];
  errors: {
    code: string;
    status: number | undefined;
    field: string | undefined;
    function: string;
    attempt: number;
  }[];
}

/** Returns a backend, with the failures that it reports. */
export function backendOf(url: string, options: BackendOptions = {}) {
  const faults: Faults = { lines: [], errors: [] };
  const backend = createBackend({
    url,
    apiKey: API_KEY,
    log: (line) => faults.lines.push(line),
    onError: ({ code, status, field }, call) =>
      faults.errors.push({ code, status, field, ...call }),
    ...options,
  });
  return { ...backend, faults };
}

/** A stream with its notifications. */
export interface Reader {
  clientId: string;
  /** Returns the notifications so far, without control events. */
  got(): Notification[];
  /** Resolves with the next notification. */
  next(): Promise<Notification>;
}

/** Connects an EventSource that gets every notification. */
export async function openReader(
  server: Server,
  query: Record<string, string | string[]>,
): Promise<Reader> {
  const stream: any = await openStream({ after: onTestFinished }, server, {
    as: "message",
    ...query,
  }, { name: String(query.userId) });
  const { tape, connected } = stream;
  const got = () =>
    tape.items.filter(({ name }: any) => name === "message").map(({ data }: any) => data);
  let taken = 0;
  return {
    clientId: connected.clientId,
    got,
    next: () =>
      tape.until(() => got()[taken], `notification ${taken + 1}`).then((
        notification: Notification,
      ) => (taken++, notification)),
  };
}

/** Resolves when the server has no connection. */
export async function nobodyLeft(server: Server): Promise<void> {
  await retry(
    async () => (await server.api("GET", "/v1/stats")).json.total === 0,
    "the end of all connections",
  );
}
