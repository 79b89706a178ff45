// Answers the events of the page's clients, which Roomcast posts to /events, and serves the page.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createHandler } from "roomcast/backend";
import { listen } from "./listeners.mjs";

const page = readFileSync(new URL("index.html", import.meta.url));
const io = createHandler(process.env.HOOK_SECRET);
listen(io);

createServer((request, response) => {
  if (request.url === "/events") return io(request, response);
  response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(page);
}).listen(process.env.PORT ?? 3001, "127.0.0.1");
