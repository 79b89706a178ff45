// The output and the answers of the server contain no secret.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { connectSocket, openStream, TRANSPORTS } from "./clients.mjs";
import { API_KEY, Server } from "./harness.mjs";

const CANARY = "canary7f3a";
const secret = `${CANARY}-signing-key-0123456789abcdef0123456789`;

function sign(claims, key = secret) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}
const now = () => Math.floor(Date.now() / 1000);
const claims = (more) => ({ sub: "ann", name: "Ann", exp: now() + 600, jti: CANARY, ...more });

test("no token, key or cookie in the output", async (t) => {
  const apiKey = `${CANARY}-api-key-0123456789abcdef0123456789abcdef`;
  const server = await Server.start(t, {
    AUTH_MODE: "token",
    JWT_SECRET: secret,
    LOG_LEVEL: "debug",
    AUTH_FAILURES: "0",
    API_KEYS: `${API_KEY},${apiKey}`,
  });
  const good = sign(claims());
  const bad = {
    expired: sign(claims({ exp: now() - 3600 })),
    "of another key": sign(claims(), "another key, which is long enough to be one"),
    opaque: `${CANARY}-opaque`,
    "half a token": good.slice(0, -10),
    "without exp": sign({ sub: "ann", jti: CANARY }),
  };
  const given = [good, apiKey, secret, ...Object.values(bad)];

  for (const [name, transports] of Object.entries(TRANSPORTS)) {
    const { connected } = await connectSocket(t, server, {
      transports,
      auth: { token: good },
      name,
    });
    assert.equal(connected.userId, "ann");
    for (const token of Object.values(bad)) {
      await assert.rejects(
        connectSocket(t, server, { transports, auth: { token }, name, reconnection: false }),
        ({ refusal }) => {
          assert.match(refusal.message, /^(Invalid token|Token expired)$/);
          assert.equal(JSON.stringify(refusal.data).includes(CANARY), false);
          return true;
        },
      );
    }
  }
  await connectSocket(t, server, { query: { token: good }, name: "by query" });
  await connectSocket(t, server, {
    extraHeaders: { Authorization: `Bearer ${good}` },
    name: "by header",
  });
  await openStream(t, server, { token: good });
  await openStream(t, server, {}, { headers: { Authorization: `Bearer ${good}` } });
  // Browsers send cookies with requests of any site, so a cookie counts only with an allowed
  // Origin.
  const cookie = (token) => ({ Cookie: `auth_token=${token}`, Origin: server.url });
  await openStream(t, server, {}, { headers: cookie(good) });

  const answers = [];
  const ask = async (path, headers = {}, method = "GET", body = undefined) => {
    const response = await fetch(server.url + path, { method, headers, body });
    answers
      .push(`${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`);
    return response.status;
  };
  for (const token of Object.values(bad)) {
    assert.equal(await ask(`/sse?token=${token}`), 401);
    assert.equal(await ask("/sse", { Authorization: `Bearer ${token}` }), 401);
    assert.equal(await ask("/sse", cookie(token)), 401);
    assert.equal(await ask(`/sse?ticket=${token}`), 401);
  }
  const json = { "Content-Type": "application/json" };
  const body = JSON.stringify({ target: { all: true }, type: "n", data: 1 });
  assert.equal(
    await ask("/v1/notifications", { ...json, Authorization: `Bearer ${apiKey}` }, "POST", body),
    200,
  );
  assert.equal(await ask("/v1/notifications", { ...json, "X-API-Key": apiKey }, "POST", body), 200);
  assert.equal(
    await ask("/v1/notifications", { ...json, "X-API-Key": `${CANARY}-wrong` }, "POST", body),
    403,
  );
  assert.equal(
    await ask(
      "/v1/notifications",
      { ...json, Authorization: `Bearer ${apiKey}` },
      "POST",
      `{"target":`,
    ),
    400,
  );
  await ask(`/no/such/path?token=${good}`);

  assert.equal((await server.signal("SIGTERM")).code, 0);
  assert.ok(server.output.length > 0, "at level debug it says something");
  for (const [what, text] of [["the output", server.output], ["an answer", answers.join("\n")]]) {
    for (const value of given) assert.equal(text.includes(value), false, `${what} has ${value}`);
    assert.equal(
      text.includes(CANARY),
      false,
      `${what} has a part of a secret: ${text.split("\n").find((line) => line.includes(CANARY))}`,
    );
    // The payload of a token contains the canary in base64.
    assert.equal(text.includes(good.split(".")[1]), false, `${what} has a token's payload`);
  }
});
