// socket.io on Node, with its default engine ws.
import { Server } from "socket.io";
import { event, listen, room } from "./publish.mjs";

const io = new Server({ transports: ["websocket"], serveClient: false });
io.on("connection", (socket) => socket.join(room));
io.attach(
  listen(
    (notification) => io.to(room).emit(event, notification),
    (_, response) => response.writeHead(404).end(),
  ),
);
