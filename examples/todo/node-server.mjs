// The same page and the same listeners with a Socket.IO server of Node, without Roomcast.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Server } from "socket.io";
import { listen } from "./listeners.mjs";

const page = readFileSync(new URL("index.html", import.meta.url));
const server = createServer((_, response) => {
  response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(page);
});
listen(new Server(server));
server.listen(process.env.PORT ?? 3000, "127.0.0.1");
