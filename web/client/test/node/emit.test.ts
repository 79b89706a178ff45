// emit and emitWithAck of roomcast/backend, to unmodified clients.

import { beforeAll, expect, onTestFinished, test } from "vitest";
import type { Server } from "../../../e2e/harness.mjs";
import { connectSocket } from "../../../e2e/clients.mjs";
import { once } from "../../../e2e/wait.mjs";
import { backendOf, openReader, serverForAll } from "./support/server.ts";

let server: Server;
beforeAll(serverForAll((started) => server = started));

const connect = async (options: object) =>
  (await connectSocket({ after: onTestFinished } as any, server, options)).socket;

test("listeners get exactly the arguments", async () => {
  const { emit } = backendOf(server.url);
  const ada = await connect({ auth: { userId: "ada", channels: ["lobby"] } });
  const bob = await connect({ auth: { userId: "bob", channels: ["lobby"] } });
  const stream = await openReader(server, { userId: "eve", channels: "lobby" });
  const heard = Promise.all([once(ada, "chat message"), once(bob, "chat message")]);
  expect(await emit("lobby", "chat message", "hello", { n: [1.5, null], "ü": "<&>" })).toBe(3);
  for (const args of await heard)
    expect(args.slice(0, -1)).toEqual(["hello", { n: [1.5, null], "ü": "<&>" }]);
  const direct = once(bob, "you");
  expect(await emit({ room: bob.id!, volatile: true }, "you")).toBe(1);
  expect((await direct).slice(0, -1)).toEqual([]);
  const others = once(bob, "joined");
  expect(await emit({ channel: "lobby", except: [ada.id!] }, "joined", "Ada")).toBe(2);
  expect((await others)[0]).toBe("Ada");
  expect(await emit({ all: true, namespace: "/empty" }, "tick")).toBe(0);
  expect(stream.got()).toEqual([]); // emits are no notifications
});

test("binary values arrive as binary, both ways", async () => {
  const { emit, emitWithAck } = backendOf(server.url);
  const bob = await connect({ auth: { userId: "binary" } });
  const photo = once(bob, "photo");
  await emit({ user: "binary" }, "photo", { data: Buffer.from([1, 2, 3]) }, new Float32Array([1]));
  const [{ data }, floats] = await photo;
  expect([...data]).toEqual([1, 2, 3]);
  expect([...floats]).toEqual([0, 0, 128, 63]);
  bob.on("echo", (value, ack) => ack(value, { at: [value] }));
  const { acks, missing, timedOut } = (await emitWithAck(bob.id!, "echo", new Uint8Array([7])))!;
  expect({ missing, timedOut }).toEqual({ missing: [], timedOut: false });
  expect(acks).toEqual([
    { client: bob.id, args: [new Uint8Array([7]), { at: [new Uint8Array([7])] }] },
  ]);
});

test("mistakes in the program throw, failures are reported", async () => {
  const { emit, emitWithAck, faults } = backendOf(server.url);
  expect(() => emit("", "x")).toThrow("emit: room is empty, expected a string");
  expect(() => emit("lobby", undefined as any)).toThrow("emit: event is missing");
  expect(() => emit(7 as any, "x")).toThrow("emit: expected a room");
  expect(await emit({ room: "lobby", user: "ada" }, "x")).toBe(0);
  expect(await emitWithAck("lobby", "connect")).toBeUndefined();
  expect(faults.errors.map(({ code, field, function: from }) => ({ code, field, from }))).toEqual([
    { code: "validation", field: "room", from: "emit" },
    { code: "validation", field: "event", from: "emitWithAck" },
  ]);
});
