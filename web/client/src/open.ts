// From the options to a link: the url, the browser's part of the transport, and credentials.

import { clientError, withTimeout } from "./errors.ts";
import { openStream } from "./eventsource.ts";
import { isId, type Handshake, type Link, type LinkSink } from "./link.ts";
import type { Options, Transport } from "./types.ts";
import { openSocket } from "./websocket.ts";

/** Returns how long an answer may take, in ms. */
export const timeoutOf = ({ timeout = 10_000 }: Options): number => timeout;

/**
 * Returns the URL of a path at the server. Without `options.url` the server is the page's own
 * origin.
 */
export function endpoint(options: Options, path: string): URL {
  const url = new URL(options.url || "/", globalThis.location?.href);
  if (!/^http/.test(url.protocol)) throw new TypeError(`${url}: not http(s)`);
  url.pathname = url.pathname.replace(/\/$/, "") + path;
  url.search = url.hash = "";
  return url;
}

/** Asks the server for the position in its log. It needs no credentials. */
export async function positionOf(
  options: Options,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<string> {
  const url = endpoint(options, (options.ssePath ?? "/sse").replace(/\/$/, "") + "/position");
  const credentials = options.withCredentials ? "include" : "same-origin";
  const read = async () => (await fetch(url, { signal: signal ?? null, credentials })).json();
  const { position } = await withTimeout(read(), timeoutOf(options), "position");
  if (!isId(position)) throw clientError("network", "no position");
  return position;
}

/** Calls a function of the page for credentials. It may fail in any way. */
export async function askPage(options: Options, name: "getToken" | "getTicket"): Promise<string> {
  try {
    const credential = await withTimeout(options[name]!(), timeoutOf(options), name);
    return credential.trim(); // files and commands end their lines
  } catch (error) {
    throw clientError("credentials", (error as Error)?.message ?? `${name}: ${error}`);
  }
}

export interface Opener {
  url: URL;
  open(handshake: Handshake, sink: LinkSink): Link;
}

/** Prepares a link over a transport. Throws where the runtime does not have it. */
export function prepare(transport: Transport, options: Options): Opener {
  const timeout = timeoutOf(options), { socketPath = "/socket.io/", ssePath = "/sse" } = options;
  if (transport === "sse") {
    const Source = options.EventSource ?? globalThis.EventSource, url = endpoint(options, ssePath);
    if (!Source) throw clientError("unsupported", "no EventSource here");
    const getTicket = options.getTicket && (() => askPage(options, "getTicket"));
    const streamOptions = { ...options, timeout, Source, getTicket };
    return { url, open: (handshake, sink) => openStream(url, handshake, streamOptions, sink) };
  }
  const Socket = options.WebSocket ?? globalThis.WebSocket, url = endpoint(options, socketPath);
  if (!Socket) throw clientError("unsupported", "no WebSocket here");
  return { url, open: (handshake, sink) => openSocket(url, handshake, { timeout, Socket }, sink) };
}
