import { expect, onTestFinished, test, vi } from "vitest";
import { connect } from "../../src/index.ts";
import { commands, connected, listen, next, serve, until } from "./server.ts";

// Handlers run in the middle of a change. The client must obey the calls that they make.

/** Waits for ms in which nothing must happen. */
const quiet = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("close() in a handler of the loss is final", async () => {
  for (const learn of ["onStatus", "disconnect", "error"] as const) {
    const url = await serve({ JWT_SECRET: "a-secret-of-32-bytes-for-the-tests" });
    const token = await commands.sign("a-secret-of-32-bytes-for-the-tests", { sub: "ann" });
    let asked = 0;
    const client = listen({
      url,
      getToken: () => ++asked > 1 && learn === "error" ? "no token" : token,
      transport: "socket.io",
      backoff: { min: 20 },
    });
    await connected(client);
    if (learn === "onStatus")
      client.onStatus(() => client.status === "reconnecting" && client.close());
    else client.on(learn, () => client.close());
    const closed = until(client, () => client.status === "closed");
    if (learn === "error") client.reconnect();
    else await commands.killServer(url);
    await closed;
    const before = asked;
    await quiet(150);
    expect([client.status, asked - before]).toEqual(["closed", 0]);
  }
});

test("close() in a handler of the connection leaves no timer", async () => {
  const url = await serve();
  const begin = vi.spyOn(globalThis, "setInterval");
  onTestFinished(() => begin.mockRestore());
  const client = connect({ url, userId: "ann", transport: "socket.io", pingInterval: 20 });
  const reported: string[] = [];
  client.onAny((name) => reported.push(name));
  await new Promise<void>((resolve) =>
    client.onStatus(() => {
      if (client.status !== "connected") return;
      client.close();
      resolve();
    })
  );
  expect(begin).not.toHaveBeenCalled();
  expect(client.status).toBe("closed");
  expect(reported).toEqual(["disconnect"]); // no event of a connection after its end
});

test("reconnect() in a handler makes one connection", async () => {
  const url = await serve();
  const client = listen({ url, userId: "ann", transport: "socket.io", backoff: { min: 20 } });
  await connected(client);
  const stop = client.on("disconnect", () => client.reconnect()), again = next(client, "connected");
  await commands.api(url, "DELETE", "/v1/users/ann/connections");
  await again;
  stop();
  const { connections } = (await commands.api(url, "GET", "/v1/connections")).json as any;
  expect(connections.map(({ clientId }: any) => clientId)).toEqual([client.clientId]);
});

test("a close is reported once, without an error", async () => {
  const url = await serve();
  const client = listen({ url, userId: "ann" });
  await connected(client);
  const reported: unknown[] = [];
  client.onStatus(({ status, error }) => reported.push([status, error]));
  client.close();
  client.close();
  expect(reported).toEqual([["closed", undefined]]);
});

test("a handler that another one removed is not called", async () => {
  const url = await serve();
  const client = listen({ url, userId: "ann", transport: "socket.io" });
  await connected(client);
  const called: string[] = [];
  const second = () => called.push("second");
  for (
    const remove of [() => client.off("pong", second), () => client.off("pong"), () => client.off()]
  ) {
    client.on("pong", () => {
      called.push("first");
      remove();
    });
    client.on("pong", second);
    client.emit("ping");
    await expect.poll(() => called).toEqual(["first"]);
    client.off("pong");
    called.length = 0;
  }
});

test("a token that arrives after a close or another reconnect opens nothing", async () => {
  const url = await serve();
  const answers: ((token: string) => void)[] = [];
  const client = listen({
    url,
    userId: "ann",
    transport: "socket.io",
    getToken: () => new Promise<string>((resolve) => answers.push(resolve)),
  });
  client.reconnect();
  client.close();
  for (const answer of answers) answer("");
  await quiet(50);
  expect(client.status).toBe("closed");
  client.reconnect();
  client.reconnect();
  expect(answers).toHaveLength(4);
  for (const answer of answers) answer("");
  await connected(client);
  expect(((await commands.api(url, "GET", "/v1/connections")).json as any).connections)
    .toHaveLength(1);
});
