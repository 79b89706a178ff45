// The handlers of both servers, in the form of socket.io's documentation: `nsp` is a namespace of
// socket.io on Node, or of the adapter in hook.mjs.

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** connections: whether the server tells its handlers of connects and disconnects. */
export function register(nsp, connections) {
  nsp.use?.((socket, next) => {
    const { deny, admin } = socket.handshake.auth;
    if (!deny) return next();
    const error = new Error(deny);
    if (admin) error.data = { admin };
    next(error);
  });

  nsp.on("connection", (socket) => {
    const seen = [], own = () => [...socket.rooms].filter((room) => room !== socket.id).sort();
    socket.data.count ??= 0;
    if (nsp.name.endsWith("greets")) {
      socket.emit("welcome", socket.handshake.auth.name ?? "nobody", socket.recovered === true);
      socket.broadcast.emit("arrived");
    }

    socket.use(([event], next) => event === "blocked" ? next(new Error("no")) : next());
    socket.on("error", () => {}); // of the middleware above
    socket.onAny((event) => seen.push(`any ${event}`));
    socket.prependAny((event) => seen.push(`first ${event}`));

    socket.on("sync", (ack) => ack());
    socket.on("echo", (...args) => args.pop()(...args));
    socket.on("back", (...args) => socket.emit("back", ...args));
    socket.on("join", (rooms, ack) => {
      socket.join(rooms);
      ack(own());
    });
    socket.on("leave", (room, ack) => {
      socket.leave(room);
      ack(own());
    });
    socket.on("rooms", (ack) => ack(own()));
    socket.on("has own room", (ack) => ack(socket.rooms.has(socket.id)));
    socket.on("to", (room, ...args) => socket.to(room).emit("to", ...args));
    socket.on("to both", (a, b, ...args) => socket.to(a).to(b).emit("to both", ...args));
    socket.on("in", (room, ...args) => nsp.in(room).emit("in", ...args));
    socket.on("all", (...args) => nsp.emit("all", ...args));
    socket.on("others", (...args) => socket.broadcast.emit("others", ...args));
    socket.on("except", (room, ...args) => nsp.except(room).emit("except", ...args));
    socket.on("to except", (room, not, ...args) => nsp.to(room).except(not).emit("to except", ...args));
    socket.on("others except", (not, ...args) => socket.broadcast.except(not).emit("others except", ...args));
    socket.on("volatile", (...args) => socket.volatile.emit("volatile", ...args));
    socket.on("private", (id, ...args) => socket.to(id).emit("private", ...args));
    socket.on("kick", (close, ack) => {
      ack?.();
      socket.disconnect(close);
    });
    socket.on("goodbye", () => {
      socket.emit("bye");
      socket.disconnect();
    });
    socket.on("twice", (ack) => {
      ack(1);
      ack(2);
    });
    socket.on("later", async (ms, ack) => {
      await pause(ms);
      ack("later");
    });
    socket.on("numbers", (n) => {
      for (let i = 0; i < n; i++) socket.emit("number", i);
    });
    socket.on("count", (ack) => ack(++socket.data.count));
    socket.once("once", () => socket.emit("once"));
    socket.on("two", () => socket.emit("two", 1));
    socket.on("two", () => socket.emit("two", 2));
    socket.on("seen", (ack) => ack(seen));
    socket.on("blocked", () => socket.emit("back", "not blocked"));
    socket.on("ask", async (event, args, ack) => ack(await socket.emitWithAck(event, ...args)));
    socket.on("ask all", async (room, ms, ack) => {
      try {
        ack(null, (await nsp.timeout(ms).to(room).emitWithAck("question")).sort());
      } catch (error) {
        ack(error.message);
      }
    });
    socket.on("ack, then emit", (ack) => {
      ack("ack");
      socket.emit("back", "emit");
    });
    socket.on("emit, then ack", (ack) => {
      socket.emit("back", "emit");
      ack("ack");
    });
    socket.on("emit, then join", (room) => {
      nsp.to(room).emit("in", "before");
      socket.join(room);
      nsp.to(room).emit("in", "after");
    });
    socket.on("join twice", (room, ack) => {
      socket.join(room);
      socket.join(room);
      socket.leave(room);
      ack(own());
    });
    if (!connections) return;
    socket.on("disconnecting", (reason) => nsp.except(socket.id).emit("leaving", reason, own()));
    socket.on("disconnect", (reason) => nsp.emit("left", reason));
  });
}
