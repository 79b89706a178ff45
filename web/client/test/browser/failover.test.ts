import { expect, test } from "vitest";
import { commands, connected, listen, network, next, serve, until } from "./server.ts";

/** Publishes n notifications to a user. Resolves with their ids. */
async function publish(url: string, n: number, user = "ann") {
  const batch = Array.from(
    { length: n },
    (_, i) => ({ target: { user }, type: "note", data: { i } }),
  );
  const receipts: any = await commands.publish(url, batch);
  return receipts.map(({ id }: { id: string }) => id) as string[];
}

for (const how of ["refuse", "swallow"] as const) {
  test(`auto uses EventSource where the network ${how}s WebSockets`, async () => {
    const url = await serve();
    const line = await network(url);
    await commands.setLine(line, how);
    const client = listen({ url: line, userId: "ann" });
    await connected(client);
    expect(client.transport).toBe("sse");
    const came = next(client, "note");
    const [id] = await publish(url, 1);
    expect(await came).toMatchObject({ id, type: "note", data: { i: 0 }, metadata: {} });
  });
}

test("the client changes the transport and back, and misses or repeats nothing", async () => {
  const url = await serve({ HISTORY_SIZE: "1000" });
  const line = await network(url);
  const client = listen({
    url: line,
    userId: "ann",
    channels: ["news"],
    backoff: { min: 100, max: 200 },
  });
  await connected(client);
  expect(client.transport).toBe("socket.io");
  const sent: string[] = [];
  await client.join("late");
  for (const websockets of ["refuse", "pass", "refuse", "pass"] as const) {
    sent.push(...await publish(url, 20));
    await commands.setLine(line, websockets, false); // the network is gone
    await until(client, () => client.status === "reconnecting");
    sent.push(...await publish(url, 20));
    const late: any = await commands.publish(url, {
      target: { channel: "late" },
      type: "note",
      data: null,
    });
    sent.push(late.id);
    await commands.setLine(line, websockets); // back, with other rules
    await connected(client);
    if (websockets === "refuse") expect(client.transport).toBe("sse");
    const last = sent.at(-1);
    await until(client, () => client.ids("note").includes(last!), "the last of what was sent");
    expect(client.ids("note")).toEqual(sent);
  }
  expect(client.got.filter(({ name }) => name === "gap")).toEqual([]);
});

test("after a network blocked WebSockets, rounds begin with EventSource for a while", async () => {
  const url = await serve();
  const line = await network(url);
  await commands.setLine(line, "refuse");
  const client = listen({ url: line, userId: "ann" });
  await connected(client);
  await commands.setLine(line, "pass");
  const again = next(client, "connected");
  client.reconnect();
  await again;
  expect(client.transport).toBe("sse");
});

test("the client returns to WebSocket when the stream is blocked", async () => {
  const url = await serve();
  const line = await network(url);
  await commands.setLine(line, "refuse");
  const options = { url: line, userId: "ann", backoff: { min: 50, max: 100 }, ssePath: "/sse" };
  const client = listen(options);
  await connected(client);
  expect(client.transport).toBe("sse");
  options.ssePath = "/nowhere"; // from now on
  const again = next(client, "connected");
  await commands.setLine(line, "pass");
  await again;
  expect(client.transport).toBe("socket.io");
});

test("a restart of the server is a gap, on either transport", async () => {
  for (const transport of ["socket.io", "sse"] as const) {
    const url = await serve();
    const client = listen({ url, userId: "ann", transport, backoff: { min: 50, max: 100 } });
    await connected(client);
    await publish(url, 1);
    await until(client, () => client.ids("note").length === 1);
    await commands.killServer(url);
    const gap = next(client, "gap");
    await commands.reviveServer(url);
    expect(await gap).toMatchObject({ reason: "epoch" });
    await connected(client);
    const [id] = await publish(url, 1);
    await until(client, () => client.lastId === id);
  }
});

test("the event recovery counts the replayed notifications", async () => {
  const url = await serve();
  for (const transport of ["socket.io", "sse"] as const) {
    const [first] = await publish(url, 3);
    const client = listen({ url, userId: "ann", transport, since: first! });
    // The event cannot be here yet: connecting takes at least one turn of the event loop.
    expect(await next(client, "recovery")).toMatchObject({ recovered: true, replayed: 2 });
    expect(client.ids("note").length).toBe(2);
  }
});

test("a WebSocket that was cut resumes under the same client id", async () => {
  const url = await serve();
  const line = await network(url);
  const client = listen({ url: line, userId: "ann", transport: "socket.io", backoff: { min: 20 } });
  await connected(client);
  const { clientId } = client;
  await commands.setLine(line, "pass");
  await until(client, () => client.got.filter(({ name }) => name === "connected").length === 2);
  expect(client.connection).toMatchObject({ clientId, recovered: true });
});
