// What the servers of this directory share: the room, the event, and how a backend publishes.
import { createServer } from "node:http";

export const room = "general";
export const event = "bench";

/** Calls publish as often as the query of a POST to /publish says, with the parsed body. */
export function publishAll(url, body, publish) {
  const notification = JSON.parse(body);
  const n = Number(new URL(url, "http://localhost").searchParams.get("n") ?? 1);
  for (let i = 0; i < n; i++) publish(notification);
}

/** Prints the address that the benchmark waits for. */
export const announce = (port) => console.log(`listening on http://127.0.0.1:${port}`);

/** Makes a server of node:http that publishes; other requests go to handle. */
export function listen(publish, handle) {
  const server = createServer(async (request, response) => {
    if (request.method !== "POST" || !request.url.startsWith("/publish")) {
      handle(request, response);
      return;
    }
    let body = "";
    for await (const chunk of request) body += chunk;
    publishAll(request.url, body, publish);
    response.writeHead(204).end();
  });
  server.keepAliveTimeout = 0; // a backend may be idle for longer than the default of 5 s
  server.listen(0, "127.0.0.1", () => announce(server.address().port));
  return server;
}
