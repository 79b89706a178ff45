// Metrics, profiles and the goroutine dump contain no secret.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { connectSocket, openStream, TRANSPORTS } from "./clients.mjs";
import { freePort, Server } from "./harness.mjs";

const CANARY = "canary9c1e";
const secret = `${CANARY}-signing-key-0123456789abcdef0123456789`;
const apiKey = `${CANARY}-api-key-0123456789abcdef0123456789abcdef`;

function token() {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${encode({ alg: "HS256", typ: "JWT" })}.${
    encode({ sub: "ann", exp: Math.floor(Date.now() / 1000) + 600, jti: CANARY })
  }`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

test("no token in metrics, profiles and the dump of SIGQUIT", {
  skip: process.platform === "win32",
}, async (t) => {
  const admin = await freePort();
  const server = await Server.start(t, {
    AUTH_MODE: "token",
    JWT_SECRET: secret,
    API_KEYS: apiKey,
    LOG_LEVEL: "debug",
    AUTH_FAILURES: "0",
    ADMIN_ADDR: `127.0.0.1:${admin}`,
    ADMIN_PPROF: "on",
  });
  const good = token();
  const forged = `${good.slice(0, -6)}${CANARY}`;
  // The clients stay connected, so that the dump has the goroutines with their requests.
  for (const [name, transports] of Object.entries(TRANSPORTS)) {
    await connectSocket(t, server, {
      transports,
      auth: { token: good },
      name,
      reconnection: false,
    });
    await connectSocket(t, server, {
      transports,
      query: { token: good },
      name: `${name}, query`,
      reconnection: false,
    });
  }
  await openStream(t, server, { token: good });
  await openStream(t, server, {}, { headers: { Authorization: `Bearer ${good}` } });
  assert.equal((await fetch(`${server.url}/sse?token=${forged}`)).status, 401);
  const published = await server.post("/v1/notifications", { target: { all: true }, type: "n" }, {
    "X-API-Key": apiKey,
  });
  assert.equal(published.status, 200);

  const seen = {};
  const ask = async (path) => {
    const response = await fetch(`http://127.0.0.1:${admin}${path}`);
    assert.equal(response.status, 200, path);
    seen[path] = Buffer.from(await response.arrayBuffer()).toString("latin1");
  };
  for (
    const path of [
      "/metrics",
      "/debug/pprof/goroutine?debug=2",
      "/debug/pprof/goroutine?debug=1",
      "/debug/pprof/heap?debug=1",
    ]
  ) await ask(path);
  assert.match(seen["/debug/pprof/goroutine?debug=2"], /goroutine \d+ \[/);
  assert.match(seen["/metrics"], /roomcast_connections/);

  await server.signal("SIGQUIT");
  assert.match(server.output, /SIGQUIT: quit/);
  assert.match(server.output, /goroutine \d+ /);
  seen["the output"] = server.output;
  server.output = ""; // Server.stop() fails for a dump in the output
  for (const [where, text] of Object.entries(seen)) {
    for (const value of [CANARY, good, good.split(".")[1], good.split(".")[2]])
      assert.equal(text.includes(value), false, `${where} has ${value}`);
  }
});
