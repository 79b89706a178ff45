// Keys such as __proto__ in data are data, on every way through the client.

import { expect, test } from "vitest";
import type { Options } from "../../src/index.ts";
import { connected, listen, next, serve } from "./server.ts";

// JSON.parse makes own properties of these keys; an object literal would set the prototype.
const hostile = [
  `{"__proto__":{"polluted":1}}`,
  `{"constructor":{"prototype":{"polluted":1}},"toString":1,"hasOwnProperty":null}`,
  `[{"a":{"__proto__":{"__proto__":{"polluted":1}}}}]`,
  `{"__proto__":"x","then":"y","length":-1,"type":"__proto__","id":"0"}`,
];

const ways: Record<string, Options> = {
  "Socket.IO": { transport: "socket.io" },
  "EventSource": { transport: "sse" },
  "a shared connection": { shared: true },
};

test.each(Object.entries(ways))("over %s, data changes no prototype", async (_, options) => {
  const url = await serve({ RATE_LIMIT_INTERVAL: "0" });
  const channels = ["__proto__", "constructor"];
  const sender = listen({ url, userId: "ann", transport: "socket.io" });
  const reader = listen({ url, userId: "bob", channels, ...options });
  await connected(sender);
  await connected(reader);
  for (const room of channels) {
    for (const text of hostile) {
      const came = next(reader, "message");
      const value = JSON.parse(text);
      sender.emit("send-message", { room, message: value, metadata: JSON.parse(hostile[0]!) });
      const { data } = await came;
      expect(data.room).toBe(room);
      expect(JSON.stringify(data.message)).toBe(text);
    }
  }
  expect(({} as any).polluted).toBeUndefined();
  expect(([] as any).polluted).toBeUndefined();
  expect((Function as any).polluted).toBeUndefined();
});
