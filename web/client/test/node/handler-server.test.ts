// Code in the form of Socket.IO behind a real server, with unmodified clients.

import { expect, test } from "vitest";
import { behindServer, got } from "./support/handler.ts";

test("a chat, with greetings, rooms, data, binary and a goodbye", async () => {
  const { handler: io, connect, logged } = await behindServer({ EVENTS_CONNECTIONS: "true" });
  const here = new Set<string>(); // the function runs for each event, and a Set does not mind
  io.on("connection", (socket) => {
    io.emit("count", here.add(socket.id).size);
    socket.data.name = socket.handshake.auth.userId;
    socket.emit("welcome", socket.data.name);
    socket.join("lobby");
    socket.on("say", (text, ack) => {
      socket.to("lobby").emit("said", socket.data.name, text);
      ack("ok", [...socket.rooms].includes("lobby"));
    });
    socket.on("photo", (bytes, ack) => {
      socket.broadcast.emit("photo", bytes);
      ack(bytes);
    });
    socket.on("leave", () => void socket.disconnect());
    socket.on("disconnect", (reason) => {
      here.delete(socket.id);
      io.emit("left", socket.data.name, reason);
    });
  });
  const ada = await connect({ auth: { userId: "ada" } });
  expect((await got(ada, "welcome"))[0]).toBe("ada");
  const bob = await connect({ auth: { userId: "bob" } });
  await got(ada, "count", ([n]) => n === 2);
  expect(await ada.timeout(60_000).emitWithAck("say", "hello")).toEqual("ok");
  expect(await got(bob, "said")).toEqual(["ada", "hello"]);
  expect([...await ada.emitWithAck("photo", Buffer.from([1, 2, 3]))]).toEqual([1, 2, 3]);
  expect([...(await got(bob, "photo"))[0]]).toEqual([1, 2, 3]);
  const gone = new Promise((resolve) => ada.once("disconnect", resolve));
  ada.emit("leave");
  expect(await gone).toBe("io server disconnect");
  expect(await got(bob, "left")).toEqual(["ada", "server namespace disconnect"]);
  expect([...here]).toEqual([bob.id]);
  expect(logged).toEqual([]);
});

test("a client that continues its session is recovered, with its rooms and data", async () => {
  const { handler: io, connect } = await behindServer({ EVENTS_CONNECTIONS: "true" });
  io.on("connection", (socket) => {
    if (!socket.recovered) {
      socket.data.visits = 1;
      socket.join("lobby");
    }
    socket.on("who", (ack) => ack(socket.recovered, socket.data.visits, socket.rooms.has("lobby")));
  });
  const socket = await connect({ auth: { userId: "u" } });
  const who = () => new Promise((resolve) => socket.emit("who", (...args: any[]) => resolve(args)));
  expect(await who()).toEqual([false, 1, true]);
  const back = new Promise((resolve) => socket.once("connect", () => resolve(socket.recovered)));
  socket.io.engine.close(); // without a DISCONNECT, as when the network fails
  expect(await back).toBe(true);
  expect(await who()).toEqual([true, 1, true]);
});

test("events of a client are handled in their order, and each emit arrives once", async () => {
  const { handler: io, connect } = await behindServer();
  const chat = io.of("/chat");
  chat.on("connection", (socket) => {
    socket.join("all");
    socket.on("n", async (n, ack) => {
      await new Promise((resolve) => setTimeout(resolve, n % 2));
      socket.data.sum = (socket.data.sum ?? 0) + n;
      chat.to(["all", socket.id]).emit("sum", socket.data.sum);
      ack?.(n);
    });
  });
  const socket = await connect({ namespace: "/chat", auth: { userId: "u" } });
  const sums: number[] = [];
  socket.on("sum", (sum: number) => sums.push(sum));
  for (let n = 1; n < 50; n++) socket.emit("n", n);
  expect(await socket.emitWithAck("n", 50)).toBe(50);
  await expect.poll(() => sums.length).toBe(50);
  expect(sums).toEqual(Array.from({ length: 50 }, (_, i) => (i + 1) * (i + 2) / 2));
});

test("an emit and a leave in one request: each client of the room gets it once", async () => {
  const { handler: io, connect } = await behindServer();
  io.on("connection", (socket) => {
    socket.on("in", (ack) => {
      io.to("r").emit("came", socket.userId);
      socket.join("r");
      ack();
    });
    socket.on("out", (ack) => {
      io.to("r").emit("goes", socket.userId);
      socket.leave("r");
      io.to("r").emit("gone", socket.userId);
      ack();
    });
  });
  const [ada, bob] = [
    await connect({ auth: { userId: "ada" } }),
    await connect({ auth: { userId: "bob" } }),
  ];
  const seen: any[] = [];
  for (const [name, socket] of Object.entries({ ada, bob }))
    for (const event of ["came", "goes", "gone"])
      socket.on(event, (user: string) => seen.push(`${name} sees ${user} ${event}`));
  await ada.emitWithAck("in");
  await bob.emitWithAck("in");
  await bob.emitWithAck("out");
  await ada.emitWithAck("out");
  await expect.poll(() => [...seen].sort()).toEqual([
    "ada sees ada goes",
    "ada sees bob came",
    "ada sees bob goes",
    "ada sees bob gone",
    "bob sees bob goes",
  ].sort());
});
