// The listeners of the whiteboard, for both servers.

const MOST = 5000;
let lines = []; // what a new page draws first; the oldest go when there are too many

const isLine = (line) =>
  [line?.x0, line?.y0, line?.x1, line?.y1].every((n) => n >= 0 && n <= 1) &&
  /^#[0-9a-f]{6}$/.test(line.color);

export function listen(io) {
  io.on("connection", (socket) => {
    socket.emit("lines", lines);

    socket.on("draw", (line) => {
      if (!isLine(line)) return;
      lines = [...lines.slice(1 - MOST), line];
      socket.broadcast.emit("draw", line);
    });

    // Only the newest place of a pointer is of interest, so a slow page may miss some.
    socket.on("pointer", (place) => {
      socket.volatile.broadcast.emit("pointer", socket.id, place);
    });

    socket.on("clear", () => {
      lines = [];
      io.emit("lines", lines);
    });

    socket.on("disconnect", () => io.emit("pointer", socket.id, null));
  });
}
