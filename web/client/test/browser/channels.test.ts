// Channels over EventSource: any name, and more of them than a URL can carry.

import { expect, test } from "vitest";
import { commands, connected, listen, network, next, serve, until } from "./server.ts";
import { connections } from "./tabs.ts";

/** An EventSource that records its URLs. */
function recording() {
  const urls: string[] = [];
  class Recording extends EventSource {
    constructor(url: string | URL, init?: EventSourceInit) {
      urls.push(String(url));
      super(url, init);
    }
  }
  return { urls, EventSource: Recording };
}

const publish = async (url: string, channel: string) =>
  ((await commands.publish(url, { target: { channel }, type: "note", data: null })) as any).id;

test("a channel with commas is one channel", async () => {
  const url = await serve();
  const names = ["geo:52.52,13.40", "a, b", "plain"];
  const client = listen({ url, userId: "ann", transport: "sse", channels: names });
  await connected(client);
  expect((await connections(url))[0].rooms).toEqual(expect.arrayContaining(names));
  expect(await client.join("x,y")).toEqual({ joined: ["x,y"], denied: [] });
  const id = await publish(url, "x,y");
  await until(client, () => client.lastId === id);
});

const LONG = Array.from({ length: 62 }, (_, n) => `${n} ${"é".repeat(98)}`); // of 200 bytes

for (
  const [how, credentials] of Object.entries<object>({
    "a user id": { userId: "ann" },
    "no user": {},
    "a token": { token: true },
    tickets: { tickets: true },
  })
) {
  test(`long channels are joined by a request, with ${how}`, async () => {
    const secret = "a-secret-of-32-bytes-for-the-tests";
    const signed = "token" in credentials;
    const url = await serve(signed ? { JWT_SECRET: secret, PUBLIC_CHANNELS: "*" } : {});
    const line = await network(url);
    const { urls, EventSource } = recording();
    const getTicket = async () =>
      ((await commands.api(url, "POST", "/v1/tickets", { userId: "ann", channels: ["*"] }))
        .json as any).ticket;
    const client = listen({
      ...signed ? { token: await commands.sign(secret, { sub: "ann" }) }
      : "tickets" in credentials ? { getTicket } : credentials,
      url: line,
      transport: "sse",
      channels: [...LONG, "user:bob"],
      backoff: { min: 20, max: 50 },
      EventSource,
    });
    await connected(client);
    expect(client.connection!.denied).toEqual(["user:bob"]);
    const sent: string[] = [];
    const received = () =>
      until(client, () => client.ids("note").length >= sent.length, "what was sent");
    for (const name of [LONG[0]!, LONG.at(-1)!]) sent.push(await publish(url, name));
    await received();
    for (let n = 0; n < 2; n++) {
      await commands.setLine(line, "pass", false); // the network is gone
      await until(client, () => client.status === "reconnecting");
      for (const name of LONG.slice(0, 5)) sent.push(await publish(url, name));
      const again = next(client, "connected");
      await commands.setLine(line, "pass");
      await again;
      sent.push(await publish(url, LONG[7]!));
      await received();
      expect(client.ids("note")).toEqual(sent);
    }
    expect(client.got.filter(({ name }) => name === "gap")).toEqual([]);
    for (const each of urls) expect(each.length).toBeLessThan(2000);
    await expect.poll(async () => (await connections(url)).length).toBe(1);
    expect((await connections(url))[0].rooms).toEqual(expect.arrayContaining(LONG));
  });
}

test("a stream without a user changes its channels with a secret that pages do not see", async () => {
  const client = listen({ url: await serve(), transport: "sse" });
  await connected(client);
  expect(await client.join("orders")).toEqual({ joined: ["orders"], denied: [] });
  expect(client.got.map(({ name }) => name)).toContain("connected");
  expect(JSON.stringify(client.got)).not.toContain("secret");
});
