// The single script for pages without modules: it sets the global `roomcast`, with all that the
// package exports, and needs no other file.

import { expect, onTestFinished, test } from "vitest";
import * as exported from "../../src/index.ts";
import { commands, connected, serve, until } from "./server.ts";

test("the single script connects, and shares a connection", async () => {
  const script = document.createElement("script");
  script.src = URL.createObjectURL(new Blob([await commands.globalScript()]));
  const loaded = new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = reject;
  });
  document.head.append(script);
  await loaded;
  const roomcast = (globalThis as unknown as { roomcast: typeof exported }).roomcast;
  expect(Object.keys(roomcast).sort()).toEqual(Object.keys(exported).sort());

  const url = await serve();
  for (const shared of [false, true]) {
    const client = roomcast.connect({ url, userId: `ann-${shared}`, shared });
    onTestFinished(() => client.close());
    await connected(client);
    const sent = await commands.publish(url, {
      target: { user: `ann-${shared}` },
      type: "note",
      data: null,
    });
    await until(client, () => client.lastId === (sent as { id: string }).id);
  }
});
