// The listeners of the to-do list, for both servers.

import { randomUUID } from "node:crypto";

const todos = new Map();

/** Returns what is wrong with a title, or undefined. */
function mistake(title) {
  if (typeof title !== "string" || title.trim() === "") return { title: "Enter what is to do." };
  if (title.length > 60) return { title: `Use at most 60 characters, not ${title.length}.` };
}

export function listen(io) {
  io.on("connection", (socket) => {
    /** Changes the list, or acknowledges why not. */
    const change = (ack, errors, event, todo, apply) => {
      if (errors) return ack?.({ errors });
      if (!todo) return ack?.({ errors: { id: "Somebody has deleted it." } });
      apply();
      socket.broadcast.emit(event, todo);
      ack?.({ todo });
    };

    socket.on("todo:list", (ack) => ack?.({ todos: [...todos.values()] }));

    socket.on("todo:create", (given, ack) => {
      const title = given?.title;
      const todo = { id: randomUUID(), title: String(title).trim(), done: false };
      change(ack, mistake(title), "todo:created", todo, () => todos.set(todo.id, todo));
    });

    socket.on("todo:update", (given, ack) => {
      const todo = todos.get(given?.id);
      change(ack, undefined, "todo:updated", todo, () => todo.done = Boolean(given.done));
    });

    socket.on("todo:delete", (given, ack) => {
      change(ack, undefined, "todo:deleted", todos.get(given?.id), () => todos.delete(given.id));
    });
  });
}
