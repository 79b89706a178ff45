// A Socket.IO client over WebSocket: Engine.IO protocol 4, Socket.IO protocol 5, the main namespace.
//
// It does what the console needs and nothing behind its back: no transport but WebSocket, no reconnection (the owner
// connects again when it wants to), no buffering of what is emitted while not connected.

const ACK_TIMEOUT = 10_000;

export class Socket {
  #url; #auth; #on; #ws = null; #pings = 0; #deadline = 0; #acks = new Map(); #nextAck = 0; #partial = null; #asked = "";

  /** url: of the endpoint, ws: or wss:. auth: the payload of CONNECT. on: {open, event, refused, close} callbacks. */
  constructor(url, auth, on) {
    this.#url = url;
    this.#auth = auth;
    this.#on = on;
  }

  connect() {
    const url = new URL(this.#url);
    url.searchParams.set("EIO", "4");
    url.searchParams.set("transport", "websocket");
    this.#ws = new WebSocket(url);
    this.#ws.binaryType = "arraybuffer";
    this.#ws.onmessage = (message) => this.#receive(message.data);
    this.#ws.onclose = (close) => this.#closed(this.#asked || close.reason || "connection lost");
    this.#watch(20_000);
  }

  /** Leaves in order: the server is told and forgets the session. */
  disconnect() {
    this.#send("41");
    this.#end("disconnected");
  }

  /** Drops the line as a lost network would: the server keeps the session, and a later CONNECT may resume it. */
  drop() {
    this.#end("line dropped");
  }

  emit(name, ...args) {
    return this.#send("42" + JSON.stringify([name, ...args]));
  }

  /** Emits and resolves with the arguments of the acknowledgement. */
  ask(name, ...args) {
    return new Promise((resolve, reject) => {
      const id = this.#nextAck++;
      const timer = setTimeout(() => this.#answer(id, (ack) => ack.reject(new Error(`no answer to ${name}`))), ACK_TIMEOUT);
      this.#acks.set(id, { resolve, reject, timer });
      if (!this.#send("42" + id + JSON.stringify([name, ...args]))) {
        this.#answer(id, (ack) => ack.reject(new Error("not connected")));
      }
    });
  }

  #send(text) {
    if (this.#ws?.readyState !== WebSocket.OPEN) return false;
    this.#ws.send(text);
    return true;
  }

  #end(reason) {
    this.#asked = reason;
    this.#ws?.close();
    this.#closed(reason); // not later: a peer that is gone answers the close frame after minutes, or never
  }

  // Engine.IO: one packet in each message, the type first; a binary message is an attachment.
  #receive(data) {
    if (typeof data !== "string") return this.#attach(data);
    const rest = data.slice(1);
    switch (data[0]) {
      case "0": {
        const { pingInterval, pingTimeout } = JSON.parse(rest);
        this.#pings = pingInterval + pingTimeout;
        this.#watch(this.#pings);
        this.#send("40" + JSON.stringify(this.#auth));
        break;
      }
      case "1": this.#end("closed by the server"); break;
      case "2": this.#watch(this.#pings); this.#send("3" + rest); break;
      case "4": this.#packet(rest); break;
    }
  }

  // Socket.IO: <type>[<attachments>-][<namespace>,][<ack id>][JSON]
  #packet(text) {
    const match = /^([0-6])(?:(\d+)-)?(?:\/[^,]*,)?(\d*)(.*)$/s.exec(text);
    if (!match) return this.#end("unreadable packet");
    const packet = { type: match[1], id: match[3], data: match[4] ? JSON.parse(match[4]) : undefined };
    const missing = Number(match[2] ?? 0);
    if (missing > 0) this.#partial = { packet, missing, parts: [] };
    else this.#handle(packet);
  }

  #attach(part) {
    if (!this.#partial) return this.#end("unexpected attachment");
    const { packet, missing, parts } = this.#partial;
    if (parts.push(part) < missing) return;
    this.#partial = null;
    packet.data = restore(packet.data, parts);
    this.#handle(packet);
  }

  #handle({ type, id, data }) {
    switch (type) {
      case "0": this.#on.open(data); break;
      case "1": this.#end("disconnected by the server"); break;
      case "2": case "5":
        this.#on.event(...data);
        if (id !== "") this.#send("43" + id + "[]");
        break;
      case "3": case "6": this.#answer(Number(id), (ack) => ack.resolve(data)); break;
      case "4": this.#on.refused(data); this.#end(data?.message ?? "refused"); break;
    }
  }

  #answer(id, settle) {
    const ack = this.#acks.get(id);
    if (!ack) return;
    this.#acks.delete(id);
    clearTimeout(ack.timer);
    settle(ack);
  }

  // The server pings; silence for longer than it promised means that the line is dead.
  #watch(ms) {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#end("no sign of the server"), ms);
  }

  #closed(reason) {
    if (!this.#ws) return;
    this.#ws.onmessage = this.#ws.onclose = null;
    this.#ws = null;
    clearTimeout(this.#deadline);
    for (const id of [...this.#acks.keys()]) this.#answer(id, (ack) => ack.reject(new Error(reason)));
    this.#on.close(reason);
  }
}

// restore puts the attachments where their placeholders stand.
function restore(value, parts) {
  if (Array.isArray(value)) return value.map((item) => restore(item, parts));
  if (value === null || typeof value !== "object") return value;
  if (value._placeholder === true) return parts[value.num];
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, restore(item, parts)]));
}
