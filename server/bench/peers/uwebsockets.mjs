// socket.io on uWebSockets.js. The package falls back to ws where it has no binary for this Node;
// the binary is required here, so that this server does not start there.
import { createRequire } from "node:module";
import { Server } from "socket.io";
import { announce, event, publishAll, room } from "./publish.mjs";

const binary = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
const uWS = createRequire(import.meta.url)(`@trufflesuite/uws-js-unofficial/binaries/${binary}`);

const io = new Server({ transports: ["websocket"], serveClient: false });
io.on("connection", (socket) => socket.join(room));

const app = uWS.App();
io.attachApp(app);
app.post("/publish", (response, request) => {
  const url = `/publish?${request.getQuery()}`;
  const parts = [];
  response.onAborted(() => {});
  response.onData((part, last) => {
    parts.push(Buffer.from(part.slice(0))); // uWebSockets uses the memory of a part again
    if (!last) return;
    const body = Buffer.concat(parts).toString();
    publishAll(url, body, (notification) => io.to(room).emit(event, notification));
    response.writeStatus("204 No Content").endWithoutBody();
  });
});
app.listen("127.0.0.1", 0, (socket) => announce(uWS.us_socket_local_port(socket)));
