// The effect of the HTTP API on connected clients, and the page that describes the API.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { connectSocket, openStream } from "./clients.mjs";
import { API_KEY, Server } from "./harness.mjs";
import { once, retry, SOON, TEST } from "./wait.mjs";

async function call(server, method, path, body) {
  const response = await fetch(server.url + path, {
    method,
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(SOON),
    headers: {
      Authorization: `Bearer ${API_KEY}`,
      ...(body && { "Content-Type": "application/json" }),
    },
  });
  return { status: response.status, json: await response.json() };
}

test("a backend lists, moves and disconnects clients of both transports", TEST, async (t) => {
  const server = await Server.start(t);
  const socket = await connectSocket(t, server, { auth: { userId: "ann", username: "Ann" } });
  const stream = await openStream(t, server, { userId: "ann", username: "Ann" }, {
    names: ["order"],
  });
  const other = await connectSocket(t, server, { auth: { userId: "bob" } });

  const { json: { online, connections } } = await call(server, "GET", "/v1/users/ann");
  assert.equal(online, true);
  assert.deepEqual(connections.map(({ transport }) => transport).sort(), ["sse", "websocket"]);
  const { json: one } = await call(server, "GET", `/v1/connections/${socket.socket.id}`);
  assert.equal(one.username, "Ann");
  assert.deepEqual(one.rooms, [`client:${socket.socket.id}`, "general", "user:ann"]);

  assert.deepEqual((await call(server, "PUT", "/v1/users/ann/channels/orders")).json, {
    joined: 2,
  });
  await server.publish({ target: { channel: "orders" }, type: "order", data: 1 });
  await Promise.all([socket.tape.next("order"), stream.tape.next("order")]);
  assert.deepEqual(
    (await call(server, "DELETE", `/v1/connections/${socket.socket.id}/channels/orders`)).json,
    { left: 1 },
  );
  assert.equal(
    (await server.publish({ target: { channel: "orders" }, type: "order", data: 2 })).delivered,
    1,
  );

  const gone = once(socket.socket, "disconnect");
  assert.deepEqual((await call(server, "DELETE", "/v1/users/ann/connections")).json, {
    disconnected: 2,
  });
  assert.equal((await gone)[0], "io server disconnect");
  assert.equal((await stream.tape.next("disconnected")).data.reason, "disconnected by the server");
  assert.equal(socket.socket.active, false, "it reconnects");
  await retry(
    async () => !(await call(server, "GET", "/v1/users/ann")).json.online,
    "the end of ann",
  );
  assert.equal(other.socket.connected, true);
  assert.equal((await call(server, "GET", "/v1/stats")).json.total, 1);
});

test("a ticket admits one connection, with the channels that it names", TEST, async (t) => {
  const server = await Server.start(t, { JWT_SECRET: "0123456789abcdef0123456789abcdef" });
  const ticket = async () =>
    (await call(server, "POST", "/v1/tickets", { userId: "ann", channels: ["team-*"] })).json
      .ticket;
  const forStream = await ticket();
  const stream = await openStream(t, server, { ticket: forStream, channels: ["team-1", "other"] });
  assert.equal(stream.connected.userId, "ann");
  const { json } = await call(server, "GET", `/v1/connections/${stream.connected.clientId}`);
  assert.equal(json.rooms.includes("team-1"), true);
  assert.equal(json.rooms.includes("other"), false);
  assert.equal((await fetch(`${server.url}/sse?ticket=${forStream}`)).status, 401);
  const socket = await connectSocket(t, server, { auth: { ticket: await ticket() } });
  assert.equal(socket.connected.userId, "ann");
  const refused = await ticket();
  await call(server, "DELETE", "/v1/users/ann/connections");
  assert.equal(
    (await fetch(`${server.url}/sse?ticket=${refused}`)).status,
    401,
    "a ticket issued before the disconnect",
  );
});

test("the page of the API calls its routes", TEST, async (t) => {
  const server = await Server.start(t);
  const socket = await connectSocket(t, server, { auth: { userId: "u1" } });
  const browser = await openBrowser(t);
  const page = await browser.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(`${server.url}/docs`);
  await page.fill("#key-value", API_KEY);
  await page.reload();
  assert.equal(await page.inputValue("#key-value"), API_KEY, "the key stays in the tab");

  const attempt = async (id) => {
    const article = page.locator(`article#${id}`);
    if (!(await article.locator("form.try").isVisible())) await article.locator("summary").click();
    await article.getByRole("button", { name: "Send" }).click();
    const output = article.locator("output");
    await output.getByText(/^\d{3} /).waitFor();
    return output.textContent();
  };
  assert.match(await attempt("publish"), /^200 .*"delivered": 1,/s);
  assert.deepEqual((await socket.tape.next("payment:completed")).args[0].data, {
    paymentId: "p_81",
    amount: 12.5,
  });
  assert.match(await attempt("getUser"), /^200 .*"online": true,/s);
  await page.locator("article#joinConnection summary").click();
  await page.fill("article#joinConnection input[name=clientId]", socket.socket.id);
  await page.fill("article#joinConnection input[name=channel]", "team a/b");
  assert.match(await attempt("joinConnection"), /^200 .*"joined": 1/s);
  assert.match(await attempt("listChannels"), /"channel": "team a\/b"/);
  assert.match(await attempt("live"), /^200 .*"status": "ok"/s);
  assert.deepEqual(complaints, []);

  await page.fill("#key-value", "wrong");
  assert.match(await attempt("stats"), /^403 .*"code": "forbidden"/s);
  assert.equal(complaints.length, 1, "the browser's own message about the 403");
  await page.setViewportSize({ width: 400, height: 800 });
  assert.equal(
    await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
    true,
    "it scrolls sideways on a phone",
  );
});
