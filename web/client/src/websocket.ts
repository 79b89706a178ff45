// Socket.IO over WebSocket: Engine.IO protocol 4, Socket.IO protocol 5, the main namespace. The
// connection reconnects, queues and chooses the transport.

import type { To } from "./driver.ts";
import { clientError } from "./errors.ts";
import {
  CONTROL_EVENTS,
  isId,
  notificationOf,
  type Handshake,
  type Link,
  type LinkSink,
} from "./link.ts";
import { Pending } from "./pending.ts";
import { REPLIES } from "./replies.ts";
import type { ClientError } from "./types.ts";

export interface SocketOptions {
  /** For each acknowledgement, in ms. */
  timeout: number;
  Socket: typeof WebSocket;
}

/** Opens a link. */
export function openSocket(
  url: URL,
  handshake: Handshake,
  { timeout, Socket }: SocketOptions,
  sink: LinkSink,
): Link {
  const acknowledgements = new Pending<{ reply: string | undefined; tab: string | undefined }>();
  let open = true, patience = 0, lastId = "";
  /** Takes the next attachment of the packet that is being read. */
  let attach: ((...attachment: unknown[]) => void) | undefined;

  url.protocol = url.protocol.replace("http", "ws");
  url.search = "EIO=4&transport=websocket";
  const socket = new Socket(url);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    try {
      if (typeof data === "string") readEngine(data[0], data.slice(1));
      else attach!(data);
      if (open) sink.alive(patience); // the server pings
    } catch (error) {
      end("unreadable packet: " + (error as Error).message);
    }
  };
  socket.onclose = (event) => end(event.reason || "connection lost");
  socket.onerror = () => {}; // a close follows; some runtimes throw an error that has no listener

  function close(reason: string) {
    open = false;
    socket.onmessage = socket.onclose = null;
    socket.close();
    acknowledgements.clear(clientError("closed", reason));
  }

  function end(reason: string, error?: ClientError) {
    if (!open) return;
    close(reason);
    sink.closed(reason, error);
  }

  const write = (text: string) => {
    if (socket.readyState === 1) socket.send(text);
  };

  /** Reads an Engine.IO packet: one in each message, its type first. */
  function readEngine(type: string | undefined, rest: string) {
    if (type === "0") {
      const { sid, pingInterval, pingTimeout } = JSON.parse(rest);
      if (!sid) throw new Error("handshake");
      patience = pingInterval + pingTimeout;
      const { since, pid, ...identity } = handshake;
      // With the pid the server resumes the session under the same client id. Without it, `since`
      // replays the same notifications.
      const resume = pid && isId(since) && { pid, offset: since };
      write("40" + JSON.stringify({ ...identity, as: "type", since, ...resume }));
    } else if (type === "1") end("closed by the server");
    else if (type === "2") write("3" + rest);
    else if (type === "4") readPacket(rest);
  }

  /**
   * Reads a Socket.IO packet: <type>[<attachments>-][<namespace>,][<acknowledgement>][JSON]. The
   * attachments follow, each in a message of its own.
   */
  function readPacket(text: string) {
    const [, type, count, id, json] = /^([0-6])(?:(\d+)-)?(?:\/[^,]*,)?(\d*)(.*)$/s.exec(text)!;
    const attachments: unknown[] = [];
    const revive = (_: string, value: any) => value?._placeholder ? attachments[value.num] : value;
    attach = (...attachment) => {
      attachments.push(...attachment);
      if (attachments.length < Number(count)) return;
      attach = undefined; // an attachment that no packet announces is an error
      const data = json && JSON.parse(json, count ? revive : undefined);
      if (type === "0") {
        if (data?.pid) sink.session(data.pid);
      } else if (type === "1") {
        end(
          "disconnected by the server",
          clientError("disconnected", "disconnected by the server"),
        );
      } else if (type === "4") {
        const { message, data: refusal } = data;
        end(message, clientError(refusal?.code ?? "forbidden", message, refusal?.retryAfter));
      } else if (type === "3" || type === "6") acknowledgements.settle(id!, data[0], 0);
      else readEvent(data, id!);
    };
    attach();
  }

  function readEvent([name, ...args]: [string, ...unknown[]], acknowledgement: string) {
    const channels = handshake.target && !acknowledgement ? args.pop() as To : undefined;
    // The last argument is the id to resume at, unless the server waits for an acknowledgement.
    const id = !acknowledgement && isId(args.at(-1)) ? args.pop() as string : "";
    const own = id !== "" && id !== lastId;
    if (id) lastId = id;
    if (acknowledgement) write(`43${acknowledgement}[]`);
    const control = CONTROL_EVENTS.includes(name);
    const value: any = control ? args[0] : notificationOf(name, args, id, own);
    sink.event(name, value, id, value?.id ? undefined : senderOf(name, value), channels);
  }

  /**
   * Returns the tab that an event replies to: the server answers in order, with each reply right
   * before its acknowledgement. A rate limit concerns all tabs, and comes out of order.
   */
  function senderOf(name: string, value: any): string | undefined {
    const refusal = name === "error" && value?.code !== "rate_limited";
    const isAnswered = ({ reply }: { reply: string | undefined }) =>
      reply === name || refusal && reply !== undefined;
    return acknowledgements.notes.find(isAnswered)?.tab;
  }

  const ask: Link["ask"] = (name, args, tab) =>
    acknowledgements.ask(name, timeout, { reply: REPLIES[name], tab }, (id) => {
      write("42" + id + JSON.stringify([name, ...args]));
    });

  return {
    ask,
    emit(name, args, tab) {
      // Only an acknowledgement shows which of the replies on the way is for which tab.
      if (tab !== undefined && name in REPLIES) ask(name, args, tab).catch(() => {});
      else write("42" + JSON.stringify([name, ...args]));
    },
    close(ordered) {
      if (ordered) write("41");
      close("closed");
    },
  };
}
