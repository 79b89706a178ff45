// Which tabs of a shared connection receive what: the server says it, not the sender.

import { expect, test } from "vitest";
import { commands, connected, listen, serve, until } from "./server.ts";
import { connections } from "./tabs.ts";

for (const transport of ["socket.io", "sse"] as const) {
  test(`metadata of a sender hides nothing from a tab (${transport})`, async () => {
    const url = await serve();
    const [one, two, three] = [1, 2, 3].map(() =>
      listen({ url, userId: "ann", shared: true, transport })
    );
    for (const tab of [one!, two!, three!]) await connected(tab);
    await two!.join("x");
    await three!.join("y");
    const send = (target: object, type: string, metadata?: object, data: unknown = null) =>
      commands.publish(url, { target, type, data, metadata });
    const x = { channel: "x", channels: ["x"] };
    await send({ user: "ann" }, "own", x);
    await send({ all: true }, "all", x);
    await send({ client: one!.clientId }, "client", x);
    await send({ user: "ann" }, "message", undefined, { room: "x", channels: ["x"] });
    await send({ channel: "x" }, "only x", { channels: ["y"] });
    await send({ channels: ["x", "y"] }, "both", { channel: "none" });
    await two!.send("x", "hello", { channels: ["y"] });
    await send({ user: "ann" }, "end");
    const everyone = ["own", "all", "client", "message"];
    for (const [tab, own] of [
      [one!, []],
      [two!, ["only x", "both", "message"]],
      [three!, ["both"]],
    ] as const) {
      await until(tab, () => tab.ids("end").length === 1);
      const types = tab.got.map(({ name }) => name).filter((name) =>
        [...everyone, "only x", "both", "end"].includes(name)
      );
      expect(types).toEqual([...everyone, ...own, "end"]);
      for (const { value } of tab.got) expect(value).not.toHaveProperty("channels.0");
    }
    expect(await connections(url)).toHaveLength(1);
  });

  test(`events of Go code reach the tabs in their room only (${transport})`, async () => {
    const url = await serve({}, "./web/e2e/emitter");
    const [one, two] = [1, 2].map(() =>
      listen({ url, userId: "ann", shared: true, transport })
    );
    for (const tab of [one!, two!]) await connected(tab);
    await two!.join("x");
    const bob = listen({ url, userId: "bob", transport: "socket.io" });
    await connected(bob);
    bob.emit("emit", "x", "chat", { n: 1 }, ["y"]);
    bob.emit("bytes", "x");
    bob.emit("emit", "user:ann", "end");
    for (const tab of [one!, two!]) await until(tab, () => tab.ids("end").length === 1);
    const got = (tab: typeof bob) =>
      tab.got.filter(({ name }) => name === "chat" || name === "bytes").map(({ value }) => value.data);
    expect(got(one!)).toEqual([]);
    const whole = new Uint8Array([1, 2, 255]).buffer, tail = new TextEncoder().encode("tail").buffer;
    const bytes = transport === "sse" ? [{ part: "AQL/" }, "dGFpbA=="] : [{ part: whole }, tail];
    expect(got(two!)).toEqual([[{ n: 1 }, ["y"]], bytes]);
  });
}
