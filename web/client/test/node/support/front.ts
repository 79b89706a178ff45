import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/**
 * What a front does with a request: pass it on, close the connection before or after the server
 * handles it, never answer, or answer itself.
 */
export type Behaviour = "pass" | "break" | "swallow" | "hang" | {
  status: number;
  headers?: Record<string, string>;
  body?: string;
};

/** A proxy in front of a server, which simulates failures between client and server. */
export class Front {
  url = "";
  /** The number of TCP connections so far. */
  connections = 0;
  /** All requests so far. */
  requests: { method: string; path: string; headers: IncomingMessage["headers"] }[] = [];
  /** The behaviours for the next requests. Later requests pass. */
  next: Behaviour[] = [];
  /** Changes the path of a request. */
  rewrite = (path: string) => path;

  /** Puts a front before a server for one test. */
  static async of(server: { url: string }): Promise<Front> {
    const front = new Front();
    const http = createServer((incoming, response) => front.#serve(server.url, incoming, response));
    http.on("connection", () => front.connections++);
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    front.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    onTestFinished(() => {
      http.close();
      http.closeAllConnections();
    });
    return front;
  }

  #serve(to: string, incoming: IncomingMessage, response: ServerResponse): void {
    const { method = "", url = "", headers } = incoming;
    this.requests.push({ method, path: url, headers });
    const behaviour = this.next.shift() ?? "pass";
    if (behaviour === "break") return void incoming.socket.destroy();
    if (behaviour === "hang") return void incoming.resume();
    if (typeof behaviour === "object") {
      incoming.resume();
      response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body);
      return;
    }
    const outgoing = request(to + this.rewrite(url), { method, headers }, (answer) => {
      if (behaviour === "swallow")
        return void answer.resume().on("end", () => incoming.socket.destroy());
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on("error", () => incoming.socket.destroy());
    incoming.pipe(outgoing);
  }
}
