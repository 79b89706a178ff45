// A line that can be cut: a TCP proxy in front of a server, for what a network does and no client library offers.

import { connect, createServer } from "node:net";
import { once } from "node:events";

export class Line {
  #sockets = new Set();
  #server;
  #up = true;

  /** Puts a line in front of a server for one test. The line has the server's publish and post, and a url of its own. */
  static async to(t, server) {
    const line = new Line(server);
    line.#server.listen(0, "127.0.0.1");
    await once(line.#server, "listening");
    line.url = `http://127.0.0.1:${line.#server.address().port}`;
    t.after(() => {
      line.cut();
      line.#server.close();
    });
    return line;
  }

  constructor(server) {
    this.#server = createServer((near) => {
      if (!this.#up) return near.destroy();
      const far = connect(server.port, "127.0.0.1");
      for (const [socket, other] of [[near, far], [far, near]]) {
        this.#sockets.add(socket);
        socket.pipe(other);
        socket.on("error", () => other.destroy());
        socket.on("close", () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
      }
    });
  }

  /** Breaks every connection and refuses new ones until mend. */
  cut() {
    this.#up = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#up = true;
  }
}
