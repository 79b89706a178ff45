// A Socket.IO server whose handlers do what clients ask for, and note what they see.
import http from "node:http";
import { Server } from "socket.io";

export async function serve([pingInterval, pingTimeout] = [25_000, 20_000]) {
  const log = {}; // by user
  const rooms = []; // events of the adapter of "/"
  const users = { __proto__: null }; // by socket id
  const note = (user, ...words) => (log[user] ??= []).push(words.join(" "));
  const named = (room) => users[room] ?? room;

  const server = http.createServer();
  const io = new Server(server, { pingInterval, pingTimeout, maxHttpBufferSize: 1_000_000, serveClient: false });
  for (const event of ["create-room", "join-room", "leave-room", "delete-room"]) {
    io.of("/").adapter.on(event, (...names) => rooms.push([event, ...names]));
  }

  const connection = (socket) => {
    const { userId } = socket.handshake.auth;
    users[socket.id] = userId;
    note(userId, "connection", socket.nsp.name);
    socket.on("error", (err) => note(userId, "error", err.message));
    socket.on("disconnecting", (reason) => {
      note(userId, "disconnecting", reason, [...socket.rooms].map((room) => (room === socket.id ? "own" : room)).sort().join(","));
      for (const room of socket.rooms) if (room !== socket.id) socket.to(room).emit("left", userId, room);
    });
    socket.on("disconnect", (reason) => note(userId, "disconnect", reason, [...socket.rooms].join(",")));
    socket.on("join-room", (room, ack) => ack(socket.join(room)));
    socket.on("leave-room", (room, ack) => ack(socket.leave(room)));
    socket.on("do", async (commands, ack) => {
      for (const [command, ...args] of commands) await run(socket, command, args, ack);
    });
  };

  const run = async (socket, command, args, ack) => {
    const { userId } = socket.handshake.auth;
    switch (command) {
      case "note":
        return note(userId, ...args);
      case "join":
        return socket.join(args[0]);
      case "leave":
        return socket.leave(args[0]);
      case "emit":
        return socket.emit(...args);
      case "to":
        return socket.to(args[0]).emit(...args.slice(1));
      case "in":
        return io.to(args[0]).emit(...args.slice(1));
      case "ack":
        return ack(...args);
      case "ask":
        return note(userId, "answer", JSON.stringify(await socket.emitWithAck(...args)));
      case "handshake":
        return ack(handshake(socket));
      case "disconnect":
        return socket.disconnect();
      case "disconnect client":
        return socket.disconnect(true);
      case "close transport":
        return socket.conn.close();
    }
  };

  const handshake = (socket) => {
    const { address, secure, xdomain, url, query, auth, headers } = socket.handshake;
    const shown = { address, secure, xdomain, url, query, auth, headers: { "x-shown": headers["x-shown"], host: headers.host } };
    return JSON.parse(JSON.stringify(shown).replaceAll(`:${server.address().port}`, ":port"));
  };

  for (const name of ["/", "/other", "/use"]) io.of(name).on("connection", connection);
  io.of("/refused").use((socket, next) => {
    note(socket.handshake.auth.userId, "refused");
    next(Object.assign(new Error("not you"), { data: { code: "closed" } }));
  });
  io.of("/refused").on("connection", connection);

  io.of("/use").on("connection", (socket) => {
    const { userId } = socket.handshake.auth;
    socket.onAny((event) => note(userId, "any", event));
    socket.use(([event], next) => {
      note(userId, "first", event);
      if (event === "bad") return next(new Error("bad event"));
      if (event === "dropped") return;
      if (event === "later") return setImmediate(next);
      next();
    });
    socket.use((packet, next) => {
      note(userId, "second", packet[0]);
      if (packet[0] === "changed") packet[1] = "changed";
      next();
    });
    for (const event of ["good", "bad", "dropped", "later", "changed"]) {
      socket.on(event, (...args) => note(userId, "handler", event, args.filter((arg) => typeof arg === "string").join(",")));
    }
  });

  const allows = { "/dynamic/yes": true, "/dynamic/no": false, "/dynamic/error": new Error("no") };
  io.of((name, auth, next) => {
    if (!name.startsWith("/dynamic/")) return next(null, false);
    note(auth.userId, "asked", name);
    const answer = allows[name];
    if (answer === undefined) return; // never
    setTimeout(() => (answer instanceof Error ? next(answer, false) : next(null, answer)), 10);
  }).on("connection", connection);

  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    io,
    port: server.address().port,
    log,
    rooms: () => rooms.map((words) => words.map(named).join(" ")),
    // held resolves when the server holds a GET of every client that polls.
    held: async () => {
      const open = () => Object.values(io.engine.clients);
      while (open().some((client) => client.transport.name === "polling" && !client.transport.writable)) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    ended: async () => {
      while (io.engine.clientsCount > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, 50)); // handlers run behind the last close
    },
    close: () => new Promise((resolve) => io.close(() => resolve())),
  };
}
