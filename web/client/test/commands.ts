// What a test in the browser asks Node to do: start, stop and feed servers of its own. Servers are named by their url
// and end with the test run.

import { Server } from "../../e2e/harness.mjs";

const servers = new Map<string, Server>();
process.once("exit", () => { for (const server of servers.values()) server.kill(); });

function find(url: string): Server {
  const server = servers.get(url);
  if (!server) throw new Error(`no server at ${url}`);
  return server;
}

/** Starts a server with these settings; resolves with its url. */
export async function startServer(_: unknown, env: Record<string, string> = {}): Promise<string> {
  const server = await Server.run(env);
  servers.set(server.url, server);
  return server.url;
}

/** Ends the process of a server at once, as a crash would. */
export async function killServer(_: unknown, url: string): Promise<void> {
  await find(url).signal("SIGKILL");
}

/** Starts the process of a server that was killed, at the same address. */
export async function reviveServer(_: unknown, url: string): Promise<void> {
  await find(url).up();
}

/** Ends a server for good; fails when its output tells of a panic. */
export async function stopServer(_: unknown, url: string): Promise<void> {
  const server = find(url);
  servers.delete(url);
  await server.stop();
}

/** Publishes over the HTTP API. */
export async function publish(_: unknown, url: string, body: unknown): Promise<unknown> {
  return find(url).publish(body);
}

/** Calls any route of the HTTP API. */
export async function api(_: unknown, url: string, method: string, path: string, body?: unknown): Promise<{ status: number; json: unknown }> {
  return find(url).api(method, path, body);
}
