// Clients that send their token with each request: with HTTP long-polling, the session belongs to it.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { connectSocket, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { retry, TEST } from "./wait.mjs";

const JWT_SECRET = "0123456789abcdef0123456789abcdef";

/** Returns a token of a user. Tokens with different ids differ. */
function mint(user, jti) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const body = `${encode({ alg: "HS256" })}.${encode({ sub: user, exp, jti })}`;
  return `${body}.${createHmac("sha256", JWT_SECRET).update(body).digest("base64url")}`;
}

/** How a client sends its token. change puts another one into the options of a running client. */
const WAYS = {
  header: {
    options: (token) => ({ extraHeaders: { Authorization: `Bearer ${token}` } }),
    change: (opts, token) => (opts.extraHeaders.Authorization = `Bearer ${token}`),
  },
  cookie: {
    options: (token) => ({ extraHeaders: { Cookie: `auth_token=${token}`, Origin: "" } }),
    change: (opts, token) => (opts.extraHeaders.Cookie = `auth_token=${token}`),
  },
  query: { options: (token) => ({ query: { token } }) },
};

for (const [way, { options, change }] of Object.entries(WAYS)) {
  for (const [name, transports] of Object.entries(TRANSPORTS)) {
    test(`a token in the ${way} (${name})`, TEST, async (t) => {
      const server = await Server.start(t, { AUTH_MODE: "token", JWT_SECRET });
      const given = options(mint("u1", 1));
      if (given.extraHeaders?.Origin === "") given.extraHeaders.Origin = server.url;
      const { socket, tape } = await connectSocket(t, server, { transports, ...given });
      const { engine } = socket.io;
      await retry(() => engine.transport.name === transports.at(-1), "the transport");
      const reasons = [];
      socket.on("disconnect", (reason) => reasons.push(reason));
      for (let round = 2; round < 5; round++) {
        if (change) change(engine.opts, mint("u1", round));
        const from = tape.items.length;
        socket.emit("ping");
        await server.publish({ target: { user: "u1" }, type: "news", data: { round } });
        await tape.next("news", { from });
        await tape.next("pong", { from });
      }
      assert.deepEqual(reasons, []);
      if (!change || transports.at(-1) !== "polling") return;
      // The token of another user ends it: the client connects again, as that user.
      change(engine.opts, mint("u2", 1));
      const from = tape.items.length;
      socket.emit("ping");
      const { args: [{ userId }] } = await tape.next("connected", { from });
      assert.equal(userId, "u2");
    });
  }
}
