// socket.io on Bun, with the engine that the project makes for it. Run it with bun.
import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";
import { announce, event, publishAll, room } from "./publish.mjs";

const io = new Server();
const engine = new Engine({ path: "/socket.io/" });
io.bind(engine);
io.on("connection", (socket) => socket.join(room));

const handler = engine.handler();
const server = Bun.serve({
  ...handler,
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request, server) {
    if (request.method !== "POST" || !new URL(request.url).pathname.startsWith("/publish")) {
      return handler.fetch(request, server);
    }
    const body = await request.text();
    publishAll(request.url, body, (notification) => io.to(room).emit(event, notification));
    return new Response(null, { status: 204 });
  },
});
announce(server.port);
