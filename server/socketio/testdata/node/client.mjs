// A client that speaks Engine.IO v4 in plain text, over WebSocket or polling. The Go tests have the same client: both
// run the steps of scenarios.json.
import http from "node:http";
import { WebSocket } from "ws";

const separator = "\x1e";
const headers = { "X-Shown": "yes" };

export class Client {
  constructor(port, user) {
    this.port = port;
    this.user = user;
    this.muted = false; // it answers no ping
    this.closed = false;
    this.packets = []; // Socket.IO packets that no step has read yet
    this.got = []; // those that steps have read
    this.sockets = new Set(); // TCP connections
    this.posting = Promise.resolve();
    this.changed = () => {};
  }

  url(scheme, transport, query = "") {
    const sid = this.sid ? `&sid=${this.sid}` : "";
    return `${scheme}://127.0.0.1:${this.port}/socket.io/?EIO=4&transport=${transport}${sid}${query}`;
  }

  async open(transport, query) {
    this.transport = transport;
    if (transport === "websocket") {
      await this.dial(this.url("ws", "websocket", query));
      await this.until(() => this.sid);
      return;
    }
    this.take(await this.request("GET", this.url("http", "polling", query)));
    this.polled = this.poll();
  }

  // dial opens a WebSocket, whose packets are taken from then on.
  async dial(url) {
    this.ws = new WebSocket(url, { perMessageDeflate: false, headers });
    this.ws.on("message", (data) => this.take(data.toString()));
    this.ws.on("error", () => {});
    this.ws.on("close", () => this.transport === "websocket" && this.end());
    await new Promise((resolve) => this.ws.once("open", resolve));
    this.sockets.add(this.ws._socket);
  }

  async poll() {
    while (!this.closed && !this.paused) {
      const payload = await this.request("GET", this.url("http", "polling")).catch(() => null);
      if (payload === null) this.end();
      else this.take(payload);
    }
  }

  request(method, url, body) {
    return new Promise((resolve, reject) => {
      const req = http.request(url, { method, headers, agent: false }, (res) => {
        let text = "";
        res.on("data", (chunk) => (text += chunk));
        res.on("error", reject);
        res.on("end", () => (res.statusCode === 200 ? resolve(text) : reject(new Error(`${res.statusCode} ${text}`))));
      });
      req.on("error", reject);
      req.on("socket", (socket) => {
        this.sockets.add(socket);
        socket.on("close", () => this.sockets.delete(socket));
      });
      req.end(body);
    });
  }

  // take reads what one message of the transport carries.
  take(payload) {
    for (const packet of payload.split(separator)) {
      if (packet[0] === "0") this.sid = JSON.parse(packet.slice(1)).sid;
      else if (packet[0] === "4") this.packets.push(packet.slice(1));
      else if (packet === "3probe") this.probed = true;
      else if (packet === "2" && !this.muted) this.write("3");
      else if (packet === "1") this.end();
    }
    this.changed();
  }

  // write sends one Engine.IO packet. The POSTs of a client do not overlap.
  write(packet) {
    if (this.transport === "websocket") {
      this.ws.send(packet);
      return Promise.resolve();
    }
    this.posting = this.posting.then(() => this.request("POST", this.url("http", "polling"), packet)).catch(() => {});
    return this.posting;
  }

  end() {
    this.closed = true;
    this.changed();
  }

  async until(done) {
    const deadline = Date.now() + 20_000;
    while (!done()) {
      const over = this.closed ? "was closed" : Date.now() > deadline ? "timed out" : "";
      if (over) throw new Error(`${this.user} ${over} with ${JSON.stringify(this.packets)}`);
      await new Promise((resolve) => {
        this.changed = resolve;
        setTimeout(resolve, 100);
      });
    }
  }

  // read takes the packets up to the first one that matches, and returns that.
  async read(matches) {
    await this.until(() => this.packets.some(matches));
    const read = this.packets.splice(0, this.packets.findIndex(matches) + 1);
    for (const packet of read) if (packet.startsWith('0{"sid"')) this.id = JSON.parse(packet.slice(1)).sid; // in "/"
    this.got.push(...read);
    return read.at(-1);
  }

  expect(prefix) {
    return this.read((packet) => packet.startsWith(prefix));
  }

  // answer acknowledges the event with this name.
  async answer(event, args) {
    const question = new RegExp(`^2([0-9]+)\\["${event}"`);
    const packet = await this.read((packet) => question.test(packet));
    await this.write(`43${question.exec(packet)[1]}${args}`);
  }

  async probe() {
    await this.dial(this.url("ws", "websocket"));
    this.ws.send("2probe");
    await this.until(() => this.probed);
  }

  async upgrade() {
    await this.probe();
    this.paused = true;
    await this.polled; // the server answers the GET that waits
    this.transport = "websocket";
    this.ws.send("5");
  }

  // close ends the connection as a page does that goes.
  async close() {
    if (this.transport === "polling") await this.write("1");
    this.ws?.close();
  }

  // cut resets the connections, as a network does that is gone.
  cut() {
    this.closed = true;
    for (const socket of this.sockets) socket.resetAndDestroy();
  }
}
