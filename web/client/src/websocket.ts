// Socket.IO over WebSocket: Engine.IO protocol 4, Socket.IO protocol 5, the main namespace. Reconnection, buffering and
// the choice of transport are the connection's.

import { CONTROL, fail, isId, notificationOf, within, type Hello, type Link, type LinkSink } from "./link.ts";

/** Opens a link. timeout: for the handshake and for each acknowledgement, in ms. */
export function openSocket(url: URL, hello: Hello, timeout: number, Socket: typeof WebSocket, sink: LinkSink): Link {
  const acks = new Map<string, [(value: any) => void, (error: Error) => void]>();
  let next = 0, patience = timeout, heard = Date.now(), last = "", open = true;
  let attach: ((...part: unknown[]) => void) | undefined;
  let timer: ReturnType<typeof setTimeout>;

  url.protocol = url.protocol.replace("http", "ws");
  url.search = "EIO=4&transport=websocket";
  const socket = new Socket(url);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    heard = Date.now();
    try {
      if (typeof data === "string") engine(data[0], data.slice(1));
      else attach!(data);
    } catch (error) {
      end("unreadable packet: " + (error as Error).message);
    }
  };
  socket.onclose = (event) => end(event.reason || "connection lost");
  watch();

  // The server pings. Its silence for longer than it promised is the end; a timer alone would sleep with the machine.
  function watch() {
    clearTimeout(timer);
    const left = heard + patience - Date.now();
    if (left <= 0) end("no sign of the server");
    else timer = setTimeout(watch, left);
  }

  function end(reason: string, error?: Parameters<LinkSink["closed"]>[1]) {
    if (!open) return;
    open = false;
    clearTimeout(timer);
    socket.onmessage = socket.onclose = null;
    socket.close();
    for (const [, reject] of acks.values()) reject(fail("closed", reason));
    sink.closed(reason, error);
  }

  const write = (text: string) => {
    if (socket.readyState === 1) socket.send(text);
  };

  // Engine.IO: one packet in each message, its type first.
  function engine(type: string | undefined, rest: string) {
    if (type === "0") {
      const { sid, pingInterval, pingTimeout } = JSON.parse(rest);
      if (!sid) throw new Error("handshake");
      patience = Math.max(timeout, pingInterval + pingTimeout);
      const { since, pid, ...who } = hello;
      // The pid lets the server resume the session under the same client id; without it, since replays all the same.
      write("40" + JSON.stringify({ ...who, as: "type", since, ...(pid && isId(since) && { pid, offset: since }) }));
    } else if (type === "1") end("closed by the server");
    else if (type === "2") write("3" + rest);
    else if (type === "4") packet(rest);
  }

  // Socket.IO: <type>[<attachments>-][<namespace>,][<ack id>][JSON]. Attachments follow, in messages of their own.
  function packet(text: string) {
    const [, type, count, ack, json] = /^([0-6])(?:(\d+)-)?(?:\/[^,]*,)?(\d*)(.*)$/s.exec(text)!;
    const parts: unknown[] = [];
    attach = (...part) => {
      parts.push(...part);
      if (parts.length < Number(count ?? 0)) return;
      attach = undefined; // what comes without being announced is an error
      handle(type!, ack!, json && JSON.parse(json, (_, value) => value?._placeholder ? parts[value.num] : value));
    };
    attach();
  }

  function handle(type: string, ack: string, data: any) {
    if (type === "0") {
      if (data?.pid) sink.session?.(data.pid);
    } else if (type === "1") end("disconnected by the server", fail("disconnected", "disconnected by the server"));
    else if (type === "2" || type === "5") event(data, ack);
    else if (type === "3" || type === "6") answer(ack, data[0]);
    else if (type === "4") {
      const { message, data: why } = data;
      end(message, fail(why?.code ?? "forbidden", message, why?.retryAfter));
    }
  }

  function event([name, ...args]: [string, ...unknown[]], ack: string) {
    // The last argument is the offset to resume at, unless the server waits for an acknowledgement.
    const id = !ack && isId(args.at(-1)) ? args.pop() as string : "";
    const own = id !== "" && id !== last;
    if (id) last = id;
    if (ack) write(`43${ack}[]`);
    sink.event(name, CONTROL.includes(name) ? args[0] : notificationOf(name, args, id, own), id);
  }

  function answer(ack: string, value: unknown) {
    acks.get(ack)?.[0](value);
    acks.delete(ack);
  }

  return {
    emit: (name, args) => write("42" + JSON.stringify([name, ...args])),
    ask(name, args) {
      const ack = `${next++}`;
      const reply = new Promise((...settle) => acks.set(ack, settle));
      write("42" + ack + JSON.stringify([name, ...args]));
      return within(reply, timeout, name).finally(() => acks.delete(ack));
    },
    close(ordered) {
      if (ordered) write("41");
      end("closed");
    },
  };
}
