// Socket.IO over WebSocket: Engine.IO protocol 4, Socket.IO protocol 5, the main namespace. Reconnection, buffering and
// the choice of transport are the connection's.

import { CONTROL, fail, isId, notificationOf, type Hello, type Link, type LinkSink } from "./link.ts";
import { Pending } from "./pending.ts";
import { REPLIES } from "./replies.ts";
import type { ClientError } from "./types.ts";

export interface SocketOptions {
  /** For each acknowledgement, in ms. */
  timeout: number;
  Socket: typeof WebSocket;
}

/** Opens a link. */
export function openSocket(url: URL, hello: Hello, { timeout, Socket }: SocketOptions, sink: LinkSink): Link {
  const acks = new Pending<{ reply: string | undefined; tab: string | undefined }>();
  let patience = 0, last = "", open = true;
  let attach: ((...part: unknown[]) => void) | undefined;

  url.protocol = url.protocol.replace("http", "ws");
  url.search = "EIO=4&transport=websocket";
  const socket = new Socket(url);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    try {
      if (typeof data === "string") engine(data[0], data.slice(1));
      else attach!(data);
      if (open) sink.alive(patience); // the server pings
    } catch (error) {
      end("unreadable packet: " + (error as Error).message);
    }
  };
  socket.onclose = (event) => end(event.reason || "connection lost");
  socket.onerror = () => {}; // a close follows; the sockets of some runtimes throw what nobody listens for

  function close(reason: string) {
    open = false;
    socket.onmessage = socket.onclose = null;
    socket.close();
    acks.clear(fail("closed", reason));
  }

  function end(reason: string, error?: ClientError) {
    if (!open) return;
    close(reason);
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
      patience = pingInterval + pingTimeout;
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
      if (parts.length < Number(count)) return;
      attach = undefined; // what comes without being announced is an error
      const data = json && JSON.parse(json, count ? (_, value) => value?._placeholder ? parts[value.num] : value : undefined);
      if (type === "0") {
        if (data?.pid) sink.session(data.pid);
      } else if (type === "1") end("disconnected by the server", fail("disconnected", "disconnected by the server"));
      else if (type === "4") {
        const { message, data: why } = data;
        end(message, fail(why?.code ?? "forbidden", message, why?.retryAfter));
      } else if (type === "3" || type === "6") acks.settle(ack!, data[0], 0);
      else event(data, ack!);
    };
    attach();
  }

  function event([name, ...args]: [string, ...unknown[]], ack: string) {
    // The last argument is the offset to resume at, unless the server waits for an acknowledgement.
    const id = !ack && isId(args.at(-1)) ? args.pop() as string : "";
    const own = id !== "" && id !== last;
    if (id) last = id;
    if (ack) write(`43${ack}[]`);
    const value: any = CONTROL.includes(name) ? args[0] : notificationOf(name, args, id, own);
    sink.event(name, value, id, value?.id ? undefined : senderOf(name, value));
  }

  /** Returns the tab that an event replies to. The server answers in order, with each reply right before its acknowledgement. */
  function senderOf(name: string, value: any): string | undefined {
    const refusal = name === "error" && value?.code !== "rate_limited"; // that one comes out of order, and concerns all tabs
    return acks.notes.find(({ reply }) => reply === name || refusal && reply !== undefined)?.tab;
  }

  const ask: Link["ask"] = (name, args, tab) =>
    acks.ask(name, timeout, { reply: REPLIES[name], tab }, (ack) => write("42" + ack + JSON.stringify([name, ...args])));

  return {
    ask,
    emit(name, args, tab) {
      // Only with an acknowledgement can the reply to one tab be told from the reply to another.
      if (tab !== undefined && name in REPLIES) ask(name, args, tab).catch(() => {});
      else write("42" + JSON.stringify([name, ...args]));
    },
    close(ordered) {
      if (ordered) write("41");
      close("closed");
    },
  };
}
