// The official clients, with a tape of everything they receive.

import { EventSource } from "eventsource";
import { io } from "socket.io-client";
import { deadline, once, SOON, Tape } from "./wait.mjs";

/** The transports of socket.io-client. */
export const TRANSPORTS = {
  websocket: ["websocket"],
  polling: ["polling"],
  upgrade: ["polling", "websocket"],
};

/** The form of an id in the log. */
export const ID = /^([0-9a-f]{8}-(0|[1-9][0-9]{0,15})|[1-9][0-9]{12}-(0|[1-9][0-9]{0,6}))$/;

/** The control events of the server, which are not notifications. */
export const CONTROL = [
  "connected",
  "gap",
  "recovery",
  "sync",
  "heartbeat",
  "overloaded",
  "disconnected",
  "connection-update",
];

/**
 * Connects an unmodified socket.io-client for one test. The items of its tape are {name, args, id},
 * with args without the trailing id. wait: false returns the client before it is connected.
 */
export async function connectSocket(
  t,
  server,
  { transports = ["websocket"], wait = true, name = "socket", namespace = "", ...options } = {},
) {
  const socket = io(server.url + namespace, {
    transports,
    forceNew: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 500,
    autoConnect: false,
    ...options,
  });
  t.after(() => socket.disconnect());
  const tape = new Tape(name);
  socket.onAny((event, ...args) => {
    const id = ID.test(args.at(-1)) ? args.pop() : undefined;
    tape.push({ name: event, args, id });
  });
  const client = { socket, tape };
  const connected = new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once(
      "connect_error",
      (error) =>
        reject(Object.assign(new Error(`${name}: connect_error: ${error.message}`), {
          refusal: error,
        })),
    );
  });
  socket.connect();
  if (!wait) {
    connected.catch(() => {});
    return client;
  }
  await deadline(connected, SOON, `the connection of ${name}`);
  if (transports.length > 1) await upgraded(socket);
  if (wait !== "connect") client.connected = (await tape.next("connected")).args[0];
  return client;
}

/** Resolves when a polling connection has become a websocket. */
export async function upgraded(socket) {
  const { engine } = socket.io;
  if (engine.transport.name !== "websocket") await once(engine, "upgrade");
}

/**
 * Closes the transport of a socket without a DISCONNECT packet. Resolves with the reason of its
 * disconnect event.
 */
export async function cut(socket) {
  const gone = once(socket, "disconnect");
  socket.io.engine.close();
  const [reason] = await gone;
  return reason;
}

/**
 * Opens an EventSource of the npm package for one test. The items of its tape are {name, id, data},
 * for the given names and the control events.
 */
export async function openStream(
  t,
  server,
  query = {},
  { names = [], path = "/sse", headers = {}, wait = true, name = "stream" } = {},
) {
  const url = new URL(path, server.url);
  for (const [key, value] of Object.entries(query))
    for (const item of [value].flat()) url.searchParams.append(key, item);
  const source = new EventSource(url, {
    fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
  });
  t.after(() => source.close());
  const tape = new Tape(name);
  for (const event of new Set(["message", ...CONTROL, ...names])) {
    source.addEventListener(
      event,
      ({ data, lastEventId }) =>
        tape.push({ name: event, id: lastEventId, data: JSON.parse(data) }),
    );
  }
  source.addEventListener(
    "error",
    ({ code, message }) => tape.push({ name: "error", code, message }),
  );
  const client = { source, tape };
  if (wait) client.connected = (await tape.next("connected")).data;
  return client;
}

/** Returns the notification in an item of either tape. */
export function notificationOf(item) {
  return item.data ?? item.args[0];
}
