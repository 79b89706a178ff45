// The connect hook with a handler in Node that knows its users by a cookie, as Node applications do,
// and unmodified clients.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectSocket, openStream, TRANSPORTS } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { handler, SECRET, stopped } from "./hook.mjs";
import { deadline, once, retry, SOON } from "./wait.mjs";

const SESSIONS = { s1: "ada", s2: "bob" };

/** Answers as a middleware of a Node application would. */
function login({ namespace, auth, headers }) {
  const session = /sid=([^;]*)/.exec(headers.cookie ?? "")?.[1] ?? auth.session;
  if (!session) return {};
  const userId = SESSIONS[session];
  if (!userId) return { status: 401, message: "session unknown", data: { login: "/login", session } };
  if (namespace === "/admin" && userId !== "ada") return { status: 403, message: "not an admin" };
  return { userId, username: userId.toUpperCase(), rooms: ["lobby"], channels: ["news-*"], data: { session } };
}

const start = (t, url, env) =>
  Server.start(t, {
    AUTH_MODE: "hook",
    CONNECT_URL: url,
    EVENTS_URL: `${url},/admin=${url}`,
    HOOK_SECRET: SECRET,
    HOOK_ALLOW_PRIVATE: "true",
    ...env,
  });

const answer = (data, type) => type === "connect" ? login(data) : { ack: [data.connection] };

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`sessions of a Node application let clients in (${name})`, async (t) => {
    const asked = [];
    const { url } = await handler(t, (data, type) => {
      if (type === "connect") asked.push(data);
      return answer(data, type);
    });
    const server = await start(t, url);
    const options = { transports, extraHeaders: { cookie: "theme=dark; sid=s1" } };
    const { socket, connected } = await connectSocket(t, server, options);
    assert.equal(connected.userId, "ada");
    assert.equal(connected.username, "ADA");
    const { userId, rooms, data } = await socket.emitWithAck("who am I");
    assert.equal(userId, "ada");
    assert.ok(rooms.includes("lobby") && rooms.includes("user:ada"));
    assert.deepEqual(data, { session: "s1" });
    const { namespace, ip, transport, headers, query } = asked[0];
    assert.deepEqual({ namespace, ip, transport }, { namespace: "/", ip: "127.0.0.1", transport: transports[0] });
    assert.equal(headers.cookie, "theme=dark; sid=s1");
    assert.equal(query.EIO, "4");
    // A namespace of its own, on the same connection.
    const admin = socket.io.socket("/admin", {});
    t.after(() => admin.disconnect());
    admin.connect();
    await deadline(once(admin, "connect"), SOON, "the namespace /admin");
    assert.equal((await admin.emitWithAck("who am I")).namespace, "/admin");
  });

  test(`a client gets the refusal of the application (${name})`, async (t) => {
    const { url } = await handler(t, answer);
    const server = await start(t, url);
    const auth = { session: "old" };
    const { socket } = await connectSocket(t, server, { transports, auth, wait: false });
    const [error] = await once(socket, "connect_error");
    assert.equal(error.message, "session unknown");
    assert.deepEqual(error.data, { login: "/login", session: "old" });
    assert.equal(socket.active, false); // as with a middleware of a Node server
    auth.session = "s2";
    socket.connect();
    await deadline(once(socket, "connect"), SOON, "the client with a session");
    const admin = socket.io.socket("/admin", { auth });
    t.after(() => admin.disconnect());
    admin.connect();
    const [refused] = await once(admin, "connect_error");
    assert.equal(refused.message, "not an admin");
    assert.equal(refused.data, undefined);
    assert.equal((await socket.emitWithAck("who am I")).userId, "bob");
  });

  test(`a client tries again until the hook is back (${name})`, async (t) => {
    const { url, server: node } = await handler(t, answer);
    const server = await start(t, url);
    const startAgain = await stopped(node);
    const { socket } = await connectSocket(t, server, { transports, wait: false, auth: { session: "s1" } });
    await deadline(once(socket.io, "reconnect"), SOON, "another attempt");
    assert.equal(socket.connected, false);
    await startAgain();
    await deadline(once(socket, "connect"), SOON, "the connection");
    assert.equal((await socket.emitWithAck("who am I")).userId, "ada");
  });
}

test("the hook lets streams in", async (t) => {
  const asked = [];
  const { url, server: node } = await handler(t, (data) => {
    asked.push(data);
    return login(data);
  });
  const server = await start(t, url);
  const headers = { cookie: "sid=s2" };
  const { tape, connected } = await openStream(t, server, { channels: "news-1" }, { headers });
  assert.equal(connected.userId, "bob");
  assert.equal(asked[0].transport, "sse");
  assert.equal(asked[0].query.channels, "news-1");
  await server.api("POST", "/v1/emit", { room: "lobby", event: "hello", args: [1] });
  await server.publish({ type: "message", target: { channel: "news-1" }, data: { text: "hi" } });
  assert.deepEqual((await tape.next("message")).data.data, { text: "hi" });
  const before = asked.length; // the secret of the stream is enough to change its channels
  const changed = await server.post(`/sse/${connected.clientId}/channels`, { join: ["news-2"] }, {
    "X-Stream-Secret": connected.secret,
  });
  assert.equal(changed.status, 200, JSON.stringify(changed));
  assert.equal(asked.length, before);
  const refused = await openStream(t, server, {}, { headers: { cookie: "sid=old" }, wait: false });
  assert.equal((await refused.tape.next("error")).code, 401);
  const problem = await fetch(`${server.url}/sse`, { headers: { cookie: "sid=old" } });
  assert.equal((await problem.json()).detail, "session unknown");
  // While the hook is away, an EventSource tries again.
  const startAgain = await stopped(node);
  const waiting = await openStream(t, server, {}, { headers, wait: false });
  await waiting.tape.next("overloaded");
  await startAgain();
  assert.equal((await waiting.tape.next("connected")).data.userId, "bob");
});

test("a connection stays while the hook is away at its end", async (t) => {
  let expiresAt = () => new Date(Date.now() + 1500).toISOString();
  const { url, server: node } = await handler(t, (data, type) =>
    type === "connect" ? { ...login(data), expiresAt: expiresAt() } : { ack: [data.connection.userId] });
  const server = await start(t, url);
  const { socket, tape } = await connectSocket(t, server, { auth: { session: "s1" } });
  const startAgain = await stopped(node);
  await tape.next("auth:expiring");
  await new Promise((resolve) => setTimeout(resolve, 2500)); // the end, and a question without answer
  assert.equal(socket.connected, true);
  expiresAt = () => undefined;
  await startAgain();
  await retry(async () => (await socket.emitWithAck("who")) === "ada", "the event hook answers");
  delete SESSIONS.s1;
  t.after(() => (SESSIONS.s1 = "ada"));
  assert.equal(socket.connected, true);
});

test("no log line has a credential", async (t) => {
  const { url } = await handler(t, (data) => ({ ...login(data), oops: 1 }));
  const server = await start(t, url.replace("//", "//user:hunter2@"), { LOG_LEVEL: "debug" });
  const { socket } = await connectSocket(t, server, {
    wait: false,
    auth: { session: "auth-secret" },
    extraHeaders: { cookie: "sid=cookie-secret", authorization: "Basic header-secret" },
  });
  await deadline(once(socket.io, "reconnect"), SOON, "another attempt");
  assert.match(server.output, /"hook failed".*unknown field/);
  assert.doesNotMatch(server.output, /-secret|hunter2/);
});
