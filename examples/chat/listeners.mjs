// The listeners of the chat, for both servers.

// The function below runs again for each event behind Roomcast, so the state is by socket.id.
const people = new Map();
const names = () => [...people.values()];

export function listen(io) {
  io.on("connection", (socket) => {
    // A handler that was restarted learns who is here from their next events.
    if (socket.data.name) people.set(socket.id, socket.data.name);
    socket.emit("people", names());

    socket.on("join", (given, ack) => {
      const name = String(given ?? "").trim().slice(0, 30);
      if (!name) return ack?.({ error: "Enter a name." });
      if (names().includes(name)) return ack?.({ error: `${name} is taken.` });
      socket.data.name = name;
      people.set(socket.id, name);
      socket.broadcast.emit("notice", `${name} came`);
      io.emit("people", names());
      ack?.({ name });
    });

    socket.on("message", (text) => {
      if (!socket.data.name) return;
      io.emit("message", { from: socket.data.name, text: String(text).slice(0, 1000) });
    });

    socket.on("typing", (typing) => {
      if (!socket.data.name) return;
      socket.volatile.broadcast.emit("typing", { name: socket.data.name, typing: Boolean(typing) });
    });

    socket.on("disconnect", () => {
      if (!people.delete(socket.id)) return;
      io.emit("notice", `${socket.data.name} left`);
      io.emit("people", names());
    });
  });
}
