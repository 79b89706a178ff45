// The console page in a browser: both streams, sending, and what is replayed after each way of leaving.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Console, openBrowser } from "./browser.mjs";
import { connectSocket, ID } from "./clients.mjs";
import { API_KEY, Server } from "./harness.mjs";

test("both streams show each kind of target with the same ids", { timeout: 90_000 }, async (t) => {
  const server = await Server.start(t);
  const page = await Console.open(await openBrowser(t), server);
  const [socket, stream] = [page.side("websocket"), page.side("sse")];
  assert.equal(page.page.url(), `${server.url}/`, "the key is gone from the address");
  assert.equal(await page.page.inputValue("[name=key]"), API_KEY);

  await page.identify({ userId: "ann", username: "Ann" });
  await page.join("before");
  await socket.connect();
  await stream.connect();
  await page.join("orders");
  const other = await connectSocket(t, server, { auth: { userId: "bob" } });

  const says = (n, users, channels) => new RegExp(`^[0-9a-f]{8}-\\d+ · connections ${n} · users ${users} · channels ${channels}$`);
  assert.match(await page.send({ target: "user", name: "ann", type: "to:user", data: `{"n": 12345678901234567890}` }), says(2, 1, 0));
  assert.match(await page.send({ target: "users", name: "ann, bob", type: "to:users" }), says(3, 2, 0));
  assert.match(await page.send({ target: "channel", name: "orders", type: "to:channel" }), says(2, 1, 1));
  assert.match(await page.send({ target: "channel", name: "before", type: "to:before" }), says(2, 1, 1));
  assert.match(await page.send({ target: "client", name: await socket.text("client"), type: "to:socket" }), says(1, 1, 0));
  assert.match(await page.send({ target: "client", name: await stream.text("client"), type: "to:stream" }), says(1, 1, 0));
  assert.match(await page.send({ target: "user", name: "ann", type: "typing", volatile: true }), /^volatile · connections 2 /);
  assert.match(await page.send({ target: "all", type: "chat message" }), /^\S+ · connections 3 · users 2 · /);

  await Promise.all([socket.row("chat message"), stream.row("chat message")]);
  const shared = ["to:user", "to:users", "to:channel", "to:before", "typing", "chat message"];
  const rows = { socket: await socket.rows(), stream: await stream.rows() };
  const types = (list) => list.map(([type]) => type);
  assert.deepEqual(types(rows.socket), [...shared.slice(0, 4), "to:socket", ...shared.slice(4)]);
  assert.deepEqual(types(rows.stream), [...shared.slice(0, 4), "to:stream", ...shared.slice(4)]);
  const both = (list) => list.filter(([type]) => shared.includes(type));
  assert.deepEqual(both(rows.socket), both(rows.stream));
  for (const [type, id] of rows.socket) if (type !== "typing") assert.match(id, ID);
  const { args: [notification] } = await other.tape.next("chat message");
  assert.equal(notification.id, rows.socket.at(-1)[1]);

  await page.page.getByRole("button", { name: "Leave orders" }).click();
  await page.page.locator("#channels li", { hasText: "orders" }).waitFor({ state: "detached" });
  assert.match(await page.send({ target: "channel", name: "before", type: "last" }), says(2, 1, 1));
  await server.publish({ target: { channel: "orders" }, type: "late", data: null }).then(({ delivered }) => assert.equal(delivered, 0));
  assert.deepEqual(await page.breaches(), []);
});

test("what is missed is replayed: disconnected, dropped, moved", { timeout: 90_000 }, async (t) => {
  const server = await Server.start(t);
  const page = await Console.open(await openBrowser(t), server);
  const [socket, stream] = [page.side("websocket"), page.side("sse")];
  await page.identify({ userId: "ann" });
  await socket.connect();
  await stream.connect();
  const send = (type) => server.publish({ target: { user: "ann" }, type, data: { type } });
  await send("one");
  await Promise.all([socket.row("one"), stream.row("one")]);

  await socket.do("disconnect");
  await stream.do("disconnect");
  await Promise.all([socket.state("closed"), stream.state("closed")]);
  const { id } = await send("two");
  await socket.connect();
  await stream.connect();
  for (const side of [socket, stream]) {
    assert.equal((await side.row("two", "replayed")).id, id);
    await side.row("recovery", "recovered");
  }

  const client = await socket.text("client");
  await socket.do("drop");
  await socket.state("closed");
  await send("three");
  await socket.connect();
  await socket.row("three", "replayed");
  assert.equal(await socket.text("client"), client, "a dropped line is recovered under the same client id");

  await stream.row("three");
  await stream.do("disconnect");
  await socket.do("move");
  await send("four");
  await stream.live();
  await stream.row("four");
  await socket.state("closed");
  await stream.do("move");
  await send("five");
  await socket.live();
  await socket.row("five");
  assert.deepEqual((await stream.rows()).map(([type]) => type), ["one", "two", "three", "four"]);
  // What the stream had shown is behind the cursor that the socket came back with.
  assert.deepEqual((await socket.rows()).map(([type]) => type), ["one", "two", "three", "five"]);
  for (const side of [socket, stream]) assert.deepEqual([await side.text("disorder"), await side.text("gaps")], ["0", "0"]);
  assert.deepEqual(await page.breaches(), []);
});

test("a gap is shown, and so is why a connection was refused", { timeout: 90_000 }, async (t) => {
  const server = await Server.start(t, { HISTORY_SIZE: "3" });
  const page = await Console.open(await openBrowser(t), server);
  const sides = [page.side("websocket"), page.side("sse")];
  await page.identify({ userId: "ann" });
  const send = (n) => server.publish({ target: { user: "ann" }, type: `n${n}`, data: n });
  for (const side of sides) await side.connect();
  await send(0);
  for (const side of sides) {
    await side.row("n0");
    await side.do("disconnect");
    await side.state("closed");
  }
  for (let n = 1; n <= 9; n++) await send(n);
  for (const side of sides) {
    await side.connect();
    assert.match((await side.row("gap")).text, /"trimmed"/);
    await side.row("n9", "replayed");
    assert.deepEqual((await side.rows()).map(([type]) => type), ["n0", "n7", "n8", "n9"]);
    assert.equal(await side.text("gaps"), "1");
  }
  assert.deepEqual(await page.breaches(), []);

  const closed = await Server.start(t, { AUTH_MODE: "token", JWT_SECRET: "0123456789abcdef0123456789abcdef" });
  const refused = await Console.open(page.page.context().browser(), closed);
  await refused.identify({ token: "not.a.token" });
  for (const id of ["websocket", "sse"]) {
    const side = refused.side(id);
    await side.do("connect");
    await side.row("connect_error");
    assert.match(await side.text("state"), /Invalid token/);
  }
  await refused.page.fill("[name=key]", "wrong");
  assert.match(await refused.send({ target: "all" }), /^403 forbidden: /);
  assert.match(await refused.send({ target: "all", data: "{" }), /^Data is not JSON/);
});
