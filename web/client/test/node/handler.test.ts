// createHandler, with requests that the tests sign: what each form of Socket.IO code answers.

import { expect, test } from "vitest";
import { eventBody, handlerOf } from "./support/handler.ts";

test("emits, rooms, data and the acknowledgement are in one answer, in the order of the calls", async () => {
  const { handler: io, ask, logged } = handlerOf();
  io.on("connection", (socket) => {
    socket.on("chat message", async (text: string, ack: (reply: string) => void) => {
      socket.join("lobby");
      socket.data.name = "Ada";
      await Promise.resolve();
      socket.emit("to self", text);
      socket.broadcast.emit("to others");
      socket.to("lobby").except("quiet").emit("to the room", 1, [2], { three: 3 });
      io.emit("to all");
      io.to(["a", "b"]).volatile.emit("to two rooms");
      io.of("/chat").to("x").emit("elsewhere");
      socket.volatile.broadcast.emit("cursor");
      ack("ok");
      ack("once only");
    });
  });
  expect(await ask(eventBody("chat message", ["hi"]))).toEqual({
    join: ["lobby"],
    data: { $connected: true, name: "Ada" },
    emit: [
      { room: "@self", event: "to self", args: ["hi"] },
      { room: "@others", event: "to others", args: [] },
      { room: "lobby", except: ["@self", "quiet"], event: "to the room", args: [1, [2], { three: 3 }] },
      { target: { all: true }, event: "to all", args: [] },
      { room: "a", volatile: true, event: "to two rooms", args: [] },
      { room: "b", except: ["a"], volatile: true, event: "to two rooms", args: [] },
      { room: "x", namespace: "/chat", event: "elsewhere", args: [] },
      { room: "@others", volatile: true, event: "cursor", args: [] },
    ],
    ack: ["ok"],
  });
  expect(logged).toEqual([]);
});

test("what a connection function does is done once for each connection", async () => {
  const { handler: io, ask } = handlerOf();
  io.on("connection", async (socket) => {
    await Promise.resolve();
    socket.join("lobby");
    socket.emit("welcome");
    io.emit("someone came");
    socket.data.visits = (socket.data.visits ?? 0) + 1;
    socket.on("x", (ack) => ack(socket.data.visits, [...socket.rooms].length));
  });
  const first = await ask(eventBody("x"));
  expect(first).toEqual({
    join: ["lobby"],
    data: { $connected: true, visits: 1 },
    emit: [{ room: "@self", event: "welcome", args: [] }, {
      target: { all: true },
      event: "someone came",
      args: [],
    }],
    ack: [1, 2],
  });
  const rooms = ["Zk3vX0bq5tQyVfR2AAAB", "lobby"];
  expect(await ask(eventBody("x", [], { rooms, data: first.data } as any))).toEqual({ ack: [1, 2] });
});

test("connections and disconnects run their functions", async () => {
  const { handler: io, ask } = handlerOf();
  io.on("connection", (socket) => {
    socket.data.name = socket.handshake.auth.name;
    socket.join(socket.handshake.query.room);
    socket.broadcast.emit("came", socket.data.name);
    socket.on("disconnecting", () => {
      for (const room of socket.rooms)
        if (room !== socket.id) io.to(room).emit("leaves", socket.data.name);
    });
    socket.on("disconnect", (reason) => {
      io.emit("left", socket.data.name, reason, socket.rooms.size);
      socket.join("nothing is joined now");
    });
    socket.on("who", (ack) => ack(socket.handshake.auth.name));
    socket.on("agent", (ack) => ack(socket.handshake.headers["user-agent"]));
  });
  const { connection } = eventBody("").data;
  const handshake = { auth: { name: "Ada" }, query: { room: "r" }, headers: {}, address: "::1" };
  const opened = await ask({ ...eventBody(""), type: "connection", data: { connection, handshake } });
  expect(opened).toEqual({
    join: ["r"],
    data: {
      $connected: true,
      $handshake: { auth: { name: "Ada" }, query: { room: "r" } },
      name: "Ada",
    },
    emit: [{ room: "@others", event: "came", args: ["Ada"] }],
  });
  const later = { data: opened.data, rooms: [connection.id, "r"] } as any;
  expect(await ask(eventBody("who", [], later))).toEqual({ ack: ["Ada"] });
  expect(await ask(eventBody("agent", [], later))).toEqual({ ack: [{ error: { code: "internal" } }] });
  const gone = { connection: { ...connection, ...later }, reason: "transport close" };
  expect(await ask({ ...eventBody(""), type: "disconnect", data: gone })).toEqual({
    emit: [
      { room: "r", event: "leaves", args: ["Ada"] },
      { target: { all: true }, event: "left", args: ["Ada", "transport close", 0] },
    ],
  });
});

test("an emit reaches the connection if it was in the room at the time of the call", async () => {
  const { handler: io, ask } = handlerOf();
  const self = "Zk3vX0bq5tQyVfR2AAAB";
  io.on("connection", (socket) => {
    socket.on("move", (from: string, to: string) => {
      io.to(to).emit("before the join");
      io.to(from).emit("before the leave");
      socket.leave(from);
      socket.join(to);
      io.to(to).emit("after the join");
      io.to(from).emit("after the leave");
      socket.join("passing");
      socket.leave("passing");
    });
  });
  expect(await ask(eventBody("move", ["a", "b"], { rooms: [self, "a"], wantsAck: false } as any)))
    .toEqual({
      join: ["b"],
      leave: ["a"],
      data: { $connected: true },
      emit: [
        { room: "b", except: ["@self"], event: "before the join", args: [] },
        { room: "a", event: "before the leave", args: [] },
        { room: "@self", event: "before the leave", args: [] },
        { room: "b", event: "after the join", args: [] },
        { room: "a", event: "after the leave", args: [] },
      ],
    });
});

test("binary values arrive as Buffers and leave as binary", async () => {
  const { handler: io, ask } = handlerOf();
  io.on("connection", (socket) => {
    socket.on("photo", (photo, ack) => {
      socket.emit("copy", new Uint8Array([1]), { in: [new Uint8Array([2]).buffer] });
      ack(Buffer.isBuffer(photo.bytes), photo.bytes.toString("latin1"), photo.bytes);
    });
  });
  const { emit, ack } = await ask(eventBody("photo", [{ bytes: { $binary: "aGVsbG8=" } }]));
  expect(emit[0].args).toEqual([{ $binary: "AQ==" }, { in: [{ $binary: "Ag==" }] }]);
  expect(ack).toEqual([true, "hello", { $binary: "aGVsbG8=" }]);
});

test("arguments are those of the time of the call", async () => {
  const { handler: io, ask } = handlerOf();
  io.on("connection", (socket) => {
    socket.on("x", () => {
      const state = { n: 1 };
      socket.emit("state", state);
      state.n = 2;
    });
  });
  expect((await ask(eventBody("x"))).emit[0].args).toEqual([{ n: 1 }]);
});

test("an error of a listener is the acknowledgement, and what it did before is done", async () => {
  const { handler: io, ask, logged } = handlerOf();
  const { refusal } = await import("../../src/backend/index.ts");
  io.on("connection", (socket) => {
    socket.on("sync", () => {
      socket.emit("before");
      throw new Error("a defect");
    });
    socket.on("async", async () => {
      throw refusal("too long", { code: "validation", field: "text" });
    });
    socket.on("after the ack", async (ack) => {
      ack("done");
      throw new Error("afterwards");
    });
    socket.on("circular", () => {
      const value: any = {};
      value.self = value;
      socket.emit("x", value);
    });
    socket.on("bigint", () => socket.emit("x", 1n));
  });
  const internal = [{ error: { code: "internal" } }];
  expect(await ask(eventBody("sync"))).toMatchObject({ emit: [{ event: "before" }], ack: internal });
  expect((await ask(eventBody("async"))).ack)
    .toEqual([{ error: { code: "validation", detail: "too long", field: "text" } }]);
  expect((await ask(eventBody("after the ack"))).ack).toEqual(["done"]);
  expect((await ask(eventBody("circular"))).ack).toEqual(internal);
  expect((await ask(eventBody("bigint"))).ack).toEqual(internal);
  expect(logged.length).toBe(4);
  expect(logged[0]).toContain('the event "sync" failed: Error: a defect');
  expect((await ask(eventBody("sync", [], { wantsAck: false }))).ack).toBeUndefined();
});

test("a listener that acknowledges nothing is waited for, and an unknown event is not answered", async () => {
  const { handler: io, ask } = handlerOf();
  let ended = false;
  io.on("connection", (socket) => {
    socket.on("slow", async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      ended = true;
    });
  });
  expect(await ask(eventBody("slow", [], { data: { $connected: true } } as any))).toBeUndefined();
  expect(ended).toBe(true);
  expect(await ask(eventBody("unknown", [], { data: { $connected: true } } as any))).toBeUndefined();
  expect(await ask(eventBody("x", [], { namespace: "/nobody" } as any))).toBeUndefined();
});

test("onAny, use, off and removeAllListeners work as in a Node server", async () => {
  const { handler: io, ask } = handlerOf();
  io.on("connection", function (socket) {
    const seen: unknown[] = [];
    const dropped = () => seen.push("dropped");
    socket.onAny((event, ...args) => void seen.push(event, args.length));
    socket.prependAny(() => void seen.push("first"));
    socket.use(([event], pass) => event === "bad" ? pass(new Error("no such event")) : pass());
    socket.on("error", (error) => void socket.emit("refused", error.message));
    socket.on("x", dropped).off("x", dropped);
    socket.on("gone", dropped).removeAllListeners("gone");
    socket.on("x", function (this: unknown, ack: any) {
      ack(seen, this === socket);
    });
  });
  expect((await ask(eventBody("x"))).ack).toEqual([["first", "x", 1], true]);
  const refused = await ask(eventBody("bad"));
  expect(refused.emit).toEqual([{ room: "@self", event: "refused", args: ["no such event"] }]);
  expect(refused.ack).toEqual([{ error: { code: "internal" } }]);
});

test("what cannot work throws", async () => {
  const { handler: io, ask, logged } = handlerOf();
  const attempts: Record<string, (socket: any) => unknown> = {
    "listeners live for one event": (socket) => socket.once("x", () => {}),
    "is a reserved event name": (socket) => socket.emit("connect"),
    "cannot wait for an acknowledgement": (socket) => socket.emit("x", () => {}),
    "belongs to the server": (socket) => socket.join("user:u1"),
    "expected its name": (socket) => socket.join(7),
    "the listener is a undefined": (socket) => socket.on("x"),
    "is not known for an event": (socket) => socket.handshake.auth,
    "is a Map, which JSON cannot keep": (socket) => socket.data.map = new Map(),
    "socket.data has": (socket) => socket.data.text = "x".repeat(17 << 10),
    "is reserved": (socket) => socket.data.$connected = false,
    "emits in one answer": (socket) => {
      for (let n = 0; n <= 1000; n++) socket.emit("x");
    },
    "the answer has": (socket) => socket.emit("x", "x".repeat(1 << 20)),
    "see GET /v1/connections": () => io.fetchSockets(),
  };
  io.on("connection", (socket) => {
    socket.on("try", (what: string) => void attempts[what]!(socket));
  });
  for (const what of Object.keys(attempts)) {
    expect(await ask(eventBody("try", [what])), what).toMatchObject({
      ack: [{ error: { code: "internal" } }],
    });
    expect(logged.pop()).toContain(what);
  }
  expect(() => io.on("message" as any, () => {})).toThrow('expected "connection"');
  expect(() => io.of(7 as any)).toThrow("the namespace is a number");
  expect(() => handlerOf({ secret: "short" } as any).handler).not.toThrow(); // the first argument counts
});

test("data: changes only, nested too, null removes", async () => {
  const { handler: io, ask } = handlerOf();
  io.on("connection", (socket) => {
    socket.on("x", () => {
      socket.data.cart.push(2);
      delete socket.data.old;
      socket.data.none = undefined;
      socket.data.at = new Date(0);
    });
    socket.on("all", () => {
      socket.data = { only: true };
    });
  });
  const data = { $connected: true, cart: [1], same: { a: 1 }, old: 1 };
  expect(await ask(eventBody("x", [], { data } as any))).toEqual({
    data: { cart: [1, 2], old: null, at: "1970-01-01T00:00:00.000Z" },
  });
  expect(await ask(eventBody("all", [], { data } as any))).toEqual({
    data: { only: true, cart: null, same: null, old: null },
  });
});

test("after the answer: an emit goes over the HTTP API, and everything else throws or is logged", async () => {
  const sent: unknown[] = [];
  const backend = { emit: async (...args: any[]) => sent.push(args), emitWithAck: undefined as any };
  const late: Record<string, () => unknown> = {};
  const { handler: io, ask, logged } = handlerOf({ backend: backend as any });
  io.on("connection", (socket) => {
    late.body = () => socket.emit("from the body");
    socket.on("x", (ack) => {
      late.emit = () => socket.to(["a", "b"]).emit("late", 1);
      late.all = () => io.emit("to all");
      late.join = () => socket.join("r");
      late.leave = () => socket.leave("r");
      late.disconnect = () => socket.disconnect();
      late.data = () => socket.data.x = 1;
      late.ack = () => ack("late");
    });
  });
  await ask(eventBody("x"));
  late.emit!();
  late.all!();
  late.ack!();
  for (const name of ["join", "leave", "disconnect"])
    expect(late[name], name).toThrow("after the answer");
  expect(late.data).toThrow("not extensible");
  await expect.poll(() => sent).toEqual([
    [{ room: "a", namespace: "/", except: ["Zk3vX0bq5tQyVfR2AAAB"] }, "late", 1],
    [{ room: "b", namespace: "/", except: ["Zk3vX0bq5tQyVfR2AAAB", "a"] }, "late", 1],
    [{ all: true, namespace: "/" }, "to all"],
  ]);
  expect(logged).toEqual([expect.stringContaining('the acknowledgement of "x" came after the answer')]);
});

test("outside of a request without the HTTP API, an emit says what is missing", async () => {
  const { handler: io, ask } = handlerOf();
  expect(() => io.to("r").emit("x")).toThrow("ROOMCAST_URL");
  let late: () => unknown = () => {};
  io.on("connection", (socket) => void socket.on("x", () => {
    late = () => socket.emit("y");
  }));
  await ask(eventBody("x"));
  expect(late).toThrow(/after the answer to the request: await what the listener starts.*ROOMCAST_URL/);
});

test("a timer in a connection function that runs again throws", async () => {
  const { handler: io, ask } = handlerOf({ backend: { emit: async () => 0 } as any });
  const timers: (() => unknown)[] = [];
  io.on("connection", (socket) => {
    const run = (f: () => unknown) => timers.push(f);
    queueMicrotask(() => run(() => socket.emit("tick")));
  });
  const { AsyncResource } = await import("node:async_hooks");
  io.on("connection", (socket) => {
    timers.push(AsyncResource.bind(() => socket.emit("tick")));
  });
  await ask(eventBody("x", [], { data: { $connected: true } } as any));
  expect(timers.at(-1)).toThrow("a timer in it is started again each time");
});

test("requests at the same time do not mix their emits", async () => {
  const { handler: io, ask } = handlerOf();
  io.on("connection", (socket) => {
    socket.on("x", async (n: number) => {
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, n % 3));
        io.emit("n", n);
      }
    });
  });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => ask(eventBody("x", [n], { data: { $connected: true } } as any))),
  );
  for (const [n, { emit }] of answers.entries())
    expect(emit.map(({ args }: any) => args[0])).toEqual([n, n, n, n, n]);
});

test("event answers without the forms of Socket.IO", async () => {
  const { handler: io, ask, logged } = handlerOf({
    event: ({ event, args, wantsAck }) =>
      event === "bad" ? Promise.reject(new Error("a defect")) : event === "own" ? { ack: [args, wantsAck], emit: [{ room: "@self", event: "x" }] } : undefined,
  });
  io.on("connection", (socket) => void socket.on("other", (ack) => ack("listener")));
  expect(await ask(eventBody("own", [{ $binary: "AQ==" }]))).toEqual({
    ack: [[{ $binary: "AQ==" }], true],
    emit: [{ room: "@self", event: "x" }],
  });
  expect((await ask(eventBody("other"))).ack).toEqual(["listener"]);
  expect(await ask(eventBody("bad"))).toEqual({ ack: [{ error: { code: "internal" } }] });
  expect(logged).toEqual(['roomcast: the event "bad" failed: Error: a defect']);
});
