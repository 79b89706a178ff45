// Requests of the transport, and clients of other versions: what both servers answer.

import io2 from "socket.io-client-2";
import { io as io3 } from "socket.io-client-3";
import { io as io40 } from "socket.io-client-4.0";
import WebSocket from "ws";
import { SOON } from "../wait.mjs";

async function ask(url, init) {
  const response = await fetch(url, { signal: AbortSignal.timeout(SOON), ...init });
  const text = await response.text();
  let body = text.replace(/"sid":"[^"]*"/, '"sid":"…"');
  if (response.headers.get("content-type")?.includes("json")) body = JSON.parse(text);
  return { status: response.status, type: response.headers.get("content-type"), body };
}

const get = (query, init) => (url) => ask(`${url}/socket.io/?${query}`, init);

/** Opens a session by polling and returns its URL. */
async function session(url) {
  const base = `${url}/socket.io/?EIO=4&transport=polling`;
  const text = await (await fetch(base)).text();
  return `${base}&sid=${JSON.parse(text.slice(1)).sid}`;
}

const post = (body, init) => async (url) => {
  const { status } = await ask(await session(url), { method: "POST", body, ...init });
  return status;
};

/** What a WebSocket without a client gets: an error, or the first message. */
const socket = (query) => (url) =>
  new Promise((resolve) => {
    const seen = [], ws = new WebSocket(`${url.replace("http", "ws")}/socket.io/?${query}`);
    ws.on("error", (error) => seen.push(error.message));
    ws.on("message", (data) => {
      seen.push(`${data}`.replace(/"sid":"[^"]*"/, '"sid":"…"'));
      ws.terminate();
    });
    ws.on("close", () => resolve(seen));
    setTimeout(() => ws.terminate(), SOON).unref();
  });

const client = (io) => async (url) => {
  const socket = io(url, { forceNew: true, reconnection: false, timeout: SOON });
  const seen = await new Promise((resolve) => {
    for (const event of ["connect", "connect_error"]) socket.on(event, () => resolve(event));
  });
  socket.disconnect();
  return seen;
};

export const HTTP = {
  "the handshake": get("EIO=4&transport=polling"),
  "the handshake of protocol 3": get("EIO=3&transport=polling"),
  "no version of the protocol": get("transport=polling"),
  "an unknown version": get("EIO=5&transport=polling"),
  "an unknown transport": get("EIO=4&transport=carrier-pigeon"),
  "no transport": get("EIO=4"),
  "an unknown session": get("EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA"),
  "POST without a session": get("EIO=4&transport=polling", { method: "POST", body: "40" }),
  "PUT without a session": get("EIO=4&transport=polling", { method: "PUT", body: "40" }),
  "websocket without an upgrade": get("EIO=4&transport=websocket"),
  "a payload": post("40"),
  "a payload of two packets": post("40\x1e1"),
  "an empty payload": { run: post(""), differs: "malformed requests" },
  "a payload that is no packet": { run: post("not a packet"), differs: "malformed requests" },
  "a payload that is too large": post("4".repeat(1_000_001)),
  "the handshake of a websocket": socket("EIO=4&transport=websocket"),
  "a websocket of protocol 3": { run: socket("EIO=3&transport=websocket"), differs: "malformed requests" },
  "a websocket of an unknown session": socket("EIO=4&transport=websocket&sid=AAAA"),
  "socket.io-client 2": client(io2),
  "socket.io-client 3": client(io3),
  "socket.io-client 4.0": client(io40),
};
