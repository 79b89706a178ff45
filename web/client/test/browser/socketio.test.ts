import { expect, test } from "vitest";
import { commands, connected, listen, next, serve } from "./server.ts";

test("a notification reaches the handlers of its type, of any type, and of `as`", async () => {
  const url = await serve();
  const client = listen({
    url,
    userId: "ann",
    channels: ["orders"],
    transport: "socket.io",
    as: "event",
  });
  const under: string[] = [];
  client.on("payment:completed", () => under.push("type"));
  client.on("event", () => under.push("as"));
  await connected(client);
  expect(client.transport).toBe("socket.io");
  const came = next(client, "payment:completed");
  const receipt: any = await commands.publish(url, {
    target: { user: "ann" },
    type: "payment:completed",
    data: { amount: 9.99 },
  });
  const notification = await came;
  expect(notification).toEqual({
    id: receipt.id,
    type: "payment:completed",
    data: { amount: 9.99 },
    timestamp: notification.timestamp,
    metadata: {},
  });
  expect(client.lastId).toBe(receipt.id);
  expect(under).toEqual(["type", "as"]);
});

test("join, leave, send, ack and emit", async () => {
  const url = await serve();
  const client = listen({ url, userId: "ann", transport: "socket.io" });
  expect(await client.join("room 1", "client:nobody")).toEqual({
    joined: ["room 1"],
    denied: ["client:nobody"],
  });
  const came = next(client, "message");
  expect(await client.send("room 1", { text: "hi" })).toMatchObject({ delivered: 1, stored: true });
  expect((await came).data).toMatchObject({
    room: "room 1",
    message: { text: "hi" },
    from: { userId: "ann" },
  });
  expect(await client.ack("custom-event", { n: 1 })).toMatchObject({ n: 1 });
  await expect(client.ack("no-such-event")).rejects.toMatchObject({ code: "unknown_event" });
  await expect(client.send("user:bob", "hi")).rejects.toMatchObject({ code: "forbidden" });
  await client.leave("room 1");
  expect(await client.send("room 1", "gone")).toMatchObject({ delivered: 0 });
  const pong = next(client, "pong");
  expect(client.emit("ping")).toBe(true);
  expect((await pong).data.clientId).toBe(client.clientId);
});
