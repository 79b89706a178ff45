// The console in a browser: both transports side by side, the replay after each kind of disconnect,
// and the tail.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Console, oneBrowser, rowOf, rowsOf } from "./browser.mjs";
import { connectSocket, ID } from "./clients.mjs";
import { API_KEY, Server } from "./harness.mjs";
import { retry, TEST } from "./wait.mjs";

const openBrowser = oneBrowser();

test("both sides show each kind of target with the same ids", TEST, async (t) => {
  const server = await Server.start(t);
  const page = await Console.open(await openBrowser(t), server);
  const [socket, stream] = [page.side("socketio"), page.side("sse")];
  assert.equal(page.page.url(), `${server.url}/`, "the key is no longer in the address");
  assert.equal(await page.page.evaluate(() => sessionStorage.getItem("roomcast:key")), API_KEY);
  assert.equal(await page.page.evaluate(() => localStorage.length), 0);

  await page.go("try");
  await page.identify({ userId: "ann", username: "Ann" });
  await page.join("before");
  await page.button("Connect both").click();
  await Promise.all([socket.live(), stream.live()]);
  await page.join("orders");
  const other = await connectSocket(t, server, { auth: { userId: "bob" } });
  await retry(
    async () =>
      (await server.api("GET", "/v1/connections?channel=orders")).json.connections.length === 2,
    "both in orders",
  );

  const says = (n, users, channels) =>
    new RegExp(`^[0-9a-f]{8}-\\d+ · ${n} connections? · ${users} users? · ${channels} channels?$`);
  assert.match(
    await page.send({ target: "user", name: "ann", type: "to:user", data: `{"n": 1.50}` }),
    says(2, 1, 0),
  );
  assert.match(
    await page.send({ target: "users", name: "ann, bob", type: "to:users" }),
    says(3, 2, 0),
  );
  assert.match(
    await page.send({ target: "channel", name: "orders", type: "to:channel" }),
    says(2, 1, 1),
  );
  assert.match(
    await page.send({ target: "channel", name: "before", type: "to:before" }),
    says(2, 1, 1),
  );
  assert.match(
    await page.send({ target: "client", name: await socket.text("client"), type: "to:socket" }),
    says(1, 1, 0),
  );
  assert.match(
    await page.send({ target: "client", name: await stream.text("client"), type: "to:stream" }),
    says(1, 1, 0),
  );
  await server.publish({ target: { user: "ann" }, type: "typing", data: null, volatile: true });
  assert.match(await page.send({ target: "all", type: "chat message" }), says(3, 2, 0));

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
  await page.view.getByText("5 ids on both sides, 2 on one only.", { exact: false }).waitFor();

  await socket.root.locator(".event[data-type='to:users'] summary").click();
  assert.equal(
    await stream.root.locator(".event.same").getAttribute("data-type"),
    "to:users",
    "the same event on the other side",
  );

  // A client sends to a channel, over each transport.
  for (const [by, side] of [["socket.io", socket], ["sse", stream]]) {
    await page.page.selectOption("#quick [name=by]", by);
    await page.page.fill("#quick [name=room]", "orders");
    await page.page.fill("#quick [name=data]", `{"by": "${by}"}`);
    await page.page.click("#quick button.primary");
    await page.page.locator("#quick .note", { hasText: / · 2 connections · 1 user · 1 channel$/ })
      .waitFor();
    // The row of the other transport's message may be there already.
    await retry(
      async () => (await side.row("message")).text.includes(`"by":"${by}"`),
      `the message by ${by}`,
    );
    await page.page.locator("#quick .note").evaluate((note) => {
      note.textContent = "";
    });
  }

  await page.button("Leave orders").click();
  await page.view.locator(".chip", { hasText: "orders" }).waitFor({ state: "detached" });
  await retry(
    async () =>
      (await server.publish({ target: { channel: "orders" }, type: "late", data: null }))
        .delivered === 0,
    "that both left",
  );
  assert.deepEqual(await page.breaches(), []);
});

test("missed notifications are replayed: disconnected, cut, moved", TEST, async (t) => {
  const server = await Server.start(t);
  const page = await Console.open(await openBrowser(t), server, { view: "try" });
  const [socket, stream] = [page.side("socketio"), page.side("sse")];
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
  for (const side of [socket, stream]) {
    await side.do("cut");
    await side.state("reconnecting");
  }
  await send("three");
  for (const side of [socket, stream]) {
    await side.do("cut");
    await side.row("three", "replayed");
    await side.live();
  }
  assert.equal(
    await socket.text("client"),
    client,
    "a cut connection recovers under the same client id",
  );

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
  // The cursor of the socket is after what the stream received.
  assert.deepEqual((await socket.rows()).map(([type]) => type), ["one", "two", "three", "five"]);
  for (const side of [socket, stream])
    assert.deepEqual([await side.text("disorder"), await side.text("gaps")], ["0", "0"]);
  assert.deepEqual((await page.breaches()).filter((line) => !line.includes("WebSocket")), []);
});

test("a gap is shown, and so is the reason of a refusal", TEST, async (t) => {
  const server = await Server.start(t, { HISTORY_SIZE: "3", HISTORY_MIN_AGE: "0s" });
  const page = await Console.open(await openBrowser(t), server, { view: "try" });
  const sides = [page.side("socketio"), page.side("sse")];
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

  const closed = await Server.start(t, {
    AUTH_MODE: "token",
    JWT_SECRET: "0123456789abcdef0123456789abcdef",
  });
  const refused = await Console.open(page.page.context().browser(), closed, { view: "try" });
  await refused.identify({ token: "not.a.token" });
  for (const id of ["socketio", "sse"]) {
    const side = refused.side(id);
    await side.do("connect");
    await side.row("error");
    await side.state("closed");
    assert.match(await side.text("state"), /invalid token/i);
  }
  await refused.page.evaluate(() => sessionStorage.setItem("roomcast:key", "wrong"));
  assert.match(await refused.send({ target: "all" }), /^403 forbidden: /);
  assert.match(await refused.send({ target: "all", data: "{" }), /^Not sent: this is not JSON/);
  assert.equal(
    await refused.page.locator("#quick [name=data]").getAttribute("aria-invalid"),
    "true",
  );
});

test("the tail filters, pauses, and keeps a thousand events", TEST, async (t) => {
  const server = await Server.start(t, { HISTORY_SIZE: "3000" });
  const socket = await connectSocket(t, server, {
    auth: { userId: "bob", channels: ["orders", "news"] },
  });
  const page = await Console.open(await openBrowser(t), server, {
    view: "tail?user=ann&channel=orders",
  });
  const log = page.view.locator(".log");
  await page.button("Join all that have members").click();
  await page.view.locator(".chip", { hasText: "news" }).waitFor();
  await page.button("Connect").click();
  await rowOf(log, "connected");
  const publish = (type, data, target = { channel: "orders" }) =>
    server.publish({ target, type, data });
  await publish("order:created", { sku: "A-1" });
  await publish("order:paid", { sku: "B-2" }, { channel: "news" });
  await publish("payment:completed", { sku: "A-1" }, { user: "ann" });
  await rowOf(log, "payment:completed");

  const visible = () =>
    log.locator(".event:not(.control):visible").evaluateAll((rows) =>
      rows.map(({ dataset }) => dataset.type)
    );
  for (
    const [type, text, wanted] of [
      ["order:*", "", ["order:created", "order:paid"]],
      ["PAID", "", ["order:paid"]],
      ["", "a-1", ["order:created", "payment:completed"]],
      ["order", "a-1", ["order:created"]],
      ["", "news", ["order:paid"]],
      [".*", "", []],
      ["", "", ["order:created", "order:paid", "payment:completed"]],
    ]
  ) {
    await page.field("type").fill(type);
    await page.field("text").fill(text);
    assert.deepEqual(await visible(), wanted, `${type} ${text}`);
  }

  await page.button("Pause").click();
  await publish("while:paused", 1);
  await page.view.getByText("paused, 1 waiting").waitFor();
  assert.equal(await log.locator(".event[data-type='while:paused']").count(), 0);
  await page.button("Resume").click();
  await rowOf(log, "while:paused");

  await page.button("Leave orders").click();
  await retry(async () => (await publish("unheard", 1)).delivered === 1, "that it left");
  const many = Array.from(
    { length: 1000 },
    (_, n) => ({ target: { user: "ann" }, type: "many", data: n }),
  );
  await server.publish(many);
  await server.publish(many.slice(0, 200));
  await server.publish({ target: { all: true }, type: "last", data: null });
  await rowOf(log, "last");
  assert.equal(await log.locator(".event").count(), 1000);
  await page.view.getByText("the last 1,000 kept").waitFor();
  assert.deepEqual((await rowsOf(log)).at(-1)[0], "last");
  assert.equal((await rowsOf(log)).some(([type]) => type === "unheard"), false);
  await page.button("Clear").click();
  assert.equal(await log.locator(".event").count(), 0);

  // It stays connected while another view is shown.
  await page.go("stats");
  await server.publish({ target: { user: "ann" }, type: "meanwhile", data: null });
  await page.go("tail");
  await rowOf(log, "meanwhile");
  await page.button("Disconnect").click();
  await retry(
    async () => !(await server.api("GET", "/v1/users/ann")).json.online,
    "the end of the tail",
  );
  assert.equal(socket.socket.connected, true);
  assert.deepEqual(await page.breaches(), []);
});
