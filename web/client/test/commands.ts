// The commands of tests in the browser, which run in Node: they start, stop and call servers. A
// server is identified by its url, and ends with the test run.

import { createHmac } from "node:crypto";
import { join } from "node:path";
import { build } from "vite";
import { Server } from "../../e2e/harness.mjs";
import { Line } from "../../e2e/proxy.mjs";

const servers = new Map<string, Server>();
process.once("exit", () => {
  for (const server of servers.values()) server.kill();
});

function find(url: string): Server {
  const server = servers.get(url);
  if (!server) throw new Error(`no server at ${url}`);
  return server;
}

/**
 * Starts a server with these settings, or another program of the repository. Resolves with its url.
 */
export async function startServer(
  _: unknown,
  env: Record<string, string> = {},
  program = ".",
): Promise<string> {
  const server = await Server.run(env, program);
  servers.set(server.url, server);
  return server.url;
}

/** Kills the process of a server, to simulate a crash. */
export async function killServer(_: unknown, url: string): Promise<void> {
  await find(url).signal("SIGKILL");
}

/** Starts a killed server again, at the same address. */
export async function reviveServer(_: unknown, url: string): Promise<void> {
  await find(url).up();
}

/** Stops a server for good. Fails when its output shows a panic. */
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
export async function api(
  _: unknown,
  url: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; json: unknown }> {
  return find(url).api(method, path, body);
}

const lines = new Map<string, Line>();

/** Puts a network in front of a server. Resolves with the url of the network. */
export async function startLine(_: unknown, url: string): Promise<string> {
  const line = new Line(find(url));
  await line.open();
  lines.set(line.url!, line);
  return line.url!;
}

/** Changes the rules of a network, and closes its connections. up: whether it accepts new ones. */
export async function setLine(
  _: unknown,
  url: string,
  websockets: "pass" | "refuse" | "swallow",
  up = true,
): Promise<void> {
  const line = lines.get(url)!;
  line.websockets = websockets;
  line.cut();
  if (up) line.restore();
}

/** Stops the traffic of open connections without closing them. Later connections pass. */
export async function stallLine(_: unknown, url: string): Promise<void> {
  lines.get(url)!.stall();
}

/** Removes a network. */
export async function stopLine(_: unknown, url: string): Promise<void> {
  lines.get(url)?.close();
  lines.delete(url);
}

/** Returns a JWT (HS256). seconds: until it expires. */
export async function sign(
  _: unknown,
  secret: string,
  claims: Record<string, unknown>,
  seconds = 600,
): Promise<string> {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${
    part({ exp: Math.floor(Date.now() / 1000) + seconds, ...claims })
  }`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

/** Resolves with the output of a server so far. */
export async function serverLog(_: unknown, url: string): Promise<string> {
  return find(url).output;
}

/** Returns the single script for pages without modules, built from the source. */
export async function globalScript(): Promise<string> {
  const root = join(import.meta.dirname, "..");
  const built = await build({
    root,
    configFile: join(root, "vite.global.config.ts"),
    build: { write: false },
    logLevel: "warn",
  });
  const [bundle] = [built].flat();
  if (!bundle || !("output" in bundle)) throw new Error("the build has no output");
  return bundle.output[0].code;
}
