// A TCP proxy in front of a server, which simulates the failures of a network.

import { connect, createServer } from "node:net";
import { once } from "node:events";

export class Line {
  #sockets = new Set();
  #links = new Set(); // functions that break one connection of a client
  #flap = null;
  #server;
  #up = true;

  /**
   * The treatment of WebSockets: "pass", "refuse" (like a proxy without support) or "swallow" (no
   * answer).
   */
  websockets = "pass";

  /** Puts a line in front of a server for one test. */
  static async to(t, server) {
    const line = new Line(server);
    await line.open();
    t.after(() => line.close());
    return line;
  }

  constructor(server) {
    this.#server = createServer((near) => {
      if (!this.#up) return near.destroy();
      this.#sockets.add(near);
      near.on("error", () => near.destroy());
      near.on("close", () => this.#sockets.delete(near));
      near.once("data", (head) => {
        const upgrade = /^upgrade: *websocket/im.test(head);
        if (upgrade && this.websockets === "swallow") return;
        if (upgrade && this.websockets === "refuse")
          return near
            .end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        this.#join(near, connect(server.port, "127.0.0.1"), head);
      });
    });
  }

  async open() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  close() {
    this.cut();
    this.#server.close();
  }

  #join(near, far, head) {
    this.#sockets.add(far);
    const cut = () => near.resetAndDestroy();
    this.#links.add(cut);
    this.#arm(cut);
    near.on("close", () => this.#links.delete(cut));
    far.on("error", () => near.destroy());
    far.on("close", () => {
      this.#sockets.delete(far);
      near.destroy();
    });
    near.on("close", () => far.destroy());
    far.write(head);
    near.pipe(far);
    far.pipe(near);
  }

  /** Breaks all connections, and refuses new ones until restore(). */
  cut() {
    this.#up = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  restore() {
    this.#up = true;
  }

  /** Breaks about this share of the connections; new ones live. */
  cutShare(share) {
    for (const cut of this.#links) if (Math.random() < share) cut();
  }

  /**
   * Breaks every connection after a random time between two, in ms, also each new one. Without
   * arguments it stops.
   */
  flap(least, most) {
    this.#flap = least === undefined ? null : { least, most };
    for (const cut of this.#links) this.#arm(cut);
  }

  #arm(cut) {
    if (!this.#flap) return;
    const flap = this.#flap;
    const life = flap.least + Math.random() * (flap.most - flap.least);
    setTimeout(() => {
      if (this.#flap === flap && this.#links.has(cut)) cut();
    }, life).unref();
  }

  /** Stops all traffic without closing a connection. */
  stall() {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }
}
