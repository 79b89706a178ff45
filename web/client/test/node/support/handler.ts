// Handlers of hooks for tests: with requests that the test signs itself, and behind a real server.

import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { createHandler, type HandlerOptions } from "../../../src/backend/index.ts";
import { connectSocket } from "../../../../e2e/clients.mjs";
import { startServer } from "./server.ts";

export const SECRET = "a secret for the tests of the handler";

const KEY: Uint8Array = Buffer.from(SECRET);

/** Returns the signed headers of a body. */
export function signed(
  body: string,
  { id = "msg_1", at = Math.floor(Date.now() / 1000), secret = KEY } = {},
): Record<string, string> {
  const signature = createHmac("sha256", secret).update(`${id}.${at}.${body}`).digest("base64");
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": `${at}`,
    "webhook-signature": `v1,${signature}`,
  };
}

/** Returns a signed request. */
export function signedRequest(body: unknown): Request {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new Request("http://localhost/events", { method: "POST", headers: signed(text), body: text });
}

/** Returns the body of a request for an event. */
export function eventBody(event: string, args: unknown[] = [], { wantsAck = true, ...more } = {}) {
  const connection = {
    id: "Zk3vX0bq5tQyVfR2AAAB",
    namespace: "/",
    transport: "websocket",
    rooms: ["Zk3vX0bq5tQyVfR2AAAB"],
    data: {},
    ...more,
  };
  return {
    type: "event",
    id: "msg_1",
    timestamp: "2026-11-22T10:00:00.000Z",
    data: { connection, event, args, wantsAck },
  };
}

/** A handler with what it has logged. */
export function handlerOf(options: Partial<HandlerOptions> = {}) {
  const logged: string[] = [];
  const log = (line: string, error?: unknown) => void logged.push(error ? `${line} ${error}` : line);
  const handler = createHandler<any, any>(SECRET, { log, ...options });
  /** Posts an event. Resolves with the answer, undefined for none. */
  const ask = async (body: unknown) => {
    const response = await handler.fetch(signedRequest(body));
    const text = await response.text();
    if (response.status >= 300) return `${response.status} ${text.trim()}`;
    return text ? JSON.parse(text) : undefined;
  };
  return { handler, logged, ask };
}

/** Serves with Node's http module. Resolves with the URL. */
export async function serve(listener: RequestListener): Promise<string> {
  const http = createServer(listener);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  onTestFinished(() => {
    http.close();
    http.closeAllConnections();
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
}

/** Starts a server whose hook is a handler, which knows the HTTP API. */
export async function behindServer(env: Record<string, string> = {}) {
  const made = handlerOf();
  const url = await serve(made.handler);
  const server = await startServer({ EVENTS_URL: `${url},/chat=${url}`, HOOK_SECRET: SECRET, ...env });
  const connect = async (options: Record<string, any> = {}) => {
    const { socket, tape } = await connectSocket({ after: onTestFinished }, server, {
      wait: "connect" as any,
      ...options,
    });
    return Object.assign(socket as any, { tape });
  };
  return { ...made, server, connect };
}

/** Resolves with the arguments of the first such event, also one that came before. */
export const got = async (socket: any, event: string, test = (_: any[]) => true): Promise<any[]> =>
  (await socket.tape.next(event, { test: ({ args }: any) => test(args) })).args;
