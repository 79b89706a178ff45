// The views of the console on the HTTP API: connections, statistics and sending.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { Console, oneBrowser } from "./browser.mjs";
import { connectSocket, openStream } from "./clients.mjs";
import { API_KEY, Server } from "./harness.mjs";
import { once, retry, SOON, TEST } from "./wait.mjs";

const openBrowser = oneBrowser();

test("connections and channels are listed, changed and ended", TEST, async (t) => {
  const server = await Server.start(t);
  const socket = await connectSocket(t, server, {
    auth: { userId: "ann", username: "Ann", channels: ["orders"] },
  });
  const polling = await connectSocket(t, server, {
    auth: { userId: "carl" },
    transports: ["polling"],
  });
  const stream = await openStream(t, server, { userId: "bob", channels: ["orders", "news"] }, {
    names: ["hello"],
  });
  const page = await Console.open(await openBrowser(t), server, { view: "connections" });
  const row = (id) =>
    page.view.locator("tr", { has: page.page.getByRole("button", { name: id, exact: true }) });
  const rows = () => page.view.locator("tbody tr:not(.more)").count();

  await page.view.getByText("3 connections").waitFor();
  assert.match(
    await row(socket.socket.id).textContent(),
    /WebSocket.*ann.*Ann.*generalorders.*0.* s/,
  );
  assert.match(
    await row(stream.connected.clientId).textContent(),
    /EventSource.*bob.*generalnewsorders/,
  );
  assert.match(await row(polling.socket.id).textContent(), /polling.*carl/);

  for (
    const [name, value, left] of [
      ["user", "ann", 1],
      ["user", "", 3],
      ["channel", "orders", 2],
      ["channel", "", 3],
      ["text", "news", 1],
      ["text", "", 3],
    ]
  ) {
    await page.field(name).fill(value);
    await retry(async () => await rows() === left, `${left} rows for ${name} ${value}`);
  }
  await page.field("transport").selectOption("sse");
  await retry(async () => await rows() === 1, "the stream alone");
  await page.field("transport").selectOption("");

  // A refresh of the list keeps open rows open, and the text in their fields.
  await page.view.getByRole("button", { name: stream.connected.clientId, exact: true }).click();
  const name = page.view.getByLabel(`Put ${stream.connected.clientId} into channel`);
  await name.fill("team a/b");
  await page.page.waitForResponse((response) => response.url().includes("/v1/connections"));
  await page.page.waitForResponse((response) => response.url().includes("/v1/connections"));
  assert.equal(await name.inputValue(), "team a/b");
  await name.press("Enter");
  await page.view.getByRole("button", { name: "Take out of team a/b" }).waitFor();
  assert.equal(
    (await server.publish({ target: { channel: "team a/b" }, type: "hello", data: 1 })).delivered,
    1,
  );
  await stream.tape.next("hello");
  await page.button("Take out of news").click();
  await page.button("Take out of news").waitFor({ state: "detached" });
  assert.deepEqual(
    (await server.api("GET", "/v1/users/bob")).json.connections[0].rooms.includes("news"),
    false,
  );

  await page.view.getByRole("link", { name: "Send to bob" }).click();
  await retry(async () => await page.field("name").inputValue() === "bob", "the name in the form");
  await page.go("channels");
  await page.view.getByText("3 channels").waitFor();
  assert.deepEqual(
    await page.view.locator("tbody tr").evaluateAll((all) =>
      all.map(({ cells }) => [...cells].slice(0, 3).map(({ textContent }) => textContent))
    ),
    [["general", "3", "3"], ["orders", "2", "2"], ["team a/b", "1", "1"]],
  );
  await page.view.locator("tr", { hasText: "orders" }).getByRole("link", { name: "Connections" })
    .click();
  await retry(
    async () => page.page.url().endsWith("#/connections?channel=orders") && await rows() === 2,
    "the members of orders",
  );
  await page.go("connections?user=");

  const gone = once(socket.socket, "disconnect");
  const { id } = socket.socket;
  await page.button(`Disconnect ${id}`).click();
  await page.button("Keep").click();
  await page.button(`Disconnect ${id}`).click();
  await page.button("Disconnect for good").click();
  assert.equal((await gone)[0], "io server disconnect");
  await page.view.getByText(`${id} is disconnected.`).waitFor();
  await retry(async () => await rows() === 2, "two rows");
  await page.button("Disconnect all of bob").click();
  await page.button("Disconnect all for good").click();
  await stream.tape.next("disconnected");
  await page.view.getByText("1 connection of bob disconnected.").waitFor();
  assert.deepEqual(await page.breaches(), []);
});

test("the statistics follow the server", TEST, async (t) => {
  const server = await Server.start(t);
  const page = await Console.open(await openBrowser(t), server, { view: "stats" });
  const value = (name) =>
    page.view.locator(".tile", { has: page.page.getByText(name, { exact: true }) })
      .locator(".value").textContent();
  await page.view.getByText("Open mode: the server accepts every user id.").waitFor();
  assert.equal(await value("Connections"), "0");
  await openStream(t, server, { userId: "ann" });
  await server.publish({ target: { user: "ann" }, type: "x", data: null });
  await retry(
    async () => await value("Connections") === "1" && await value("Published") !== "0",
    "the new counts",
  );
  assert.equal(
    await page.view.getByText("distinct users among them").count(),
    1,
    "the text comes from the description of the API",
  );
  await page.view.getByRole("checkbox", { name: "Refresh every 2 s" }).uncheck();
  await openStream(t, server, { userId: "ann" });
  assert.equal(await value("Connections"), "1");
  await page.view.getByRole("checkbox").check();
  await retry(async () => await value("Connections") === "2", "the count after the pause");
  assert.deepEqual(await page.breaches(), []);
});

test("each kind has a form, and a command that sends the same", TEST, async (t) => {
  const server = await Server.start(t);
  const { paths } = await (await fetch(`${server.url}/openapi.json`)).json();
  const kinds = Object.keys(paths).filter((path) => /^\/v1\/notifications\/[a-z-]+$/.test(path))
    .map((path) => path.split("/").at(-1));
  assert.ok(kinds.length >= 17, `${kinds}`);
  const channels = ["system-monitoring", "content-updates", "interactions"];
  const { tape } = await connectSocket(t, server, { auth: { userId: "u1", channels } });
  const page = await Console.open(await openBrowser(t), server);
  const result = page.page.locator(".result.good");
  const next = async (from) =>
    (await tape.until((items) => items.slice(from).find(({ id }) => id), "a notification")).args[0];

  for (const kind of kinds) {
    await page.go(`send?kind=${kind}`);
    await retry(
      async () => (await page.view.locator("#kind").inputValue()).endsWith(`/${kind}`),
      `the form of ${kind}`,
    );
    await page.button("Fill in an example").click();
    const from = tape.items.length;
    await page.button("Send").click();
    const text = await result.textContent();
    assert.match(text, /^[0-9a-f]{8}-\d+ · 1 connection · /, kind);
    const sent = await next(from);
    assert.equal(sent.id, text.split(" ")[0]);
    const { example } =
      paths[`/v1/notifications/${kind}`].post.requestBody.content["application/json"];
    for (const [name, value] of Object.entries(example.data ?? {}))
      assert.deepEqual(sent.data[name], value, `${kind} ${name}`);
    await page.button("Clear").click();
  }

  // The plain notification with all options. Values go out as they were typed.
  await page.page.selectOption("#kind", "v1/notifications");
  await page.field("type").fill("it's typed");
  await page.field("target").selectOption("users");
  await page.field("name").fill("u1, u2");
  await page.field("data").fill(`{"n": 1.50, "big": 12345678901234567890, "quote": "it's"}`);
  await page.view.getByText("More: metadata").click();
  await page.field("metadata").fill(`{"source": "console"}`);
  await page.field("ttl").fill("1h");
  await page.field("Idempotency-Key").fill("once-only");
  const from = tape.items.length;
  const request = page.page.waitForRequest((request) => request.method() === "POST");
  await page.button("Send").click();
  assert
    .ok((await request).postData()
      .includes(`{"n": 1.50, "big": 12345678901234567890, "quote": "it's"}`));
  const first = await next(from);
  assert.deepEqual([first.type, first.metadata.source], ["it's typed", "console"]);
  const command = await page.page.getByLabel("The request as a command").textContent();
  assert.equal(command.includes(API_KEY), false, "the command contains no key");
  const { stdout } = await promisify(execFile)("sh", ["-c", command], {
    env: { ...process.env, ROOMCAST_API_KEY: API_KEY },
    timeout: SOON,
  });
  assert.equal(JSON.parse(stdout).id, first.id, "the same request gets the same answer");
  assert.deepEqual(await page.breaches(), []);
});

test("an error is shown at its field", TEST, async (t) => {
  const server = await Server.start(t);
  const page = await Console.open(await openBrowser(t), server, { view: "send?kind=payment" });
  const invalid = () =>
    page.view.locator("[aria-invalid=true]:visible").evaluateAll((all) =>
      all.map(({ name }) => name)
    );
  const focused = () => page.page.evaluate(() => document.activeElement.name);
  const requests = [];
  page.page.on("request", (request) => request.method() === "POST" && requests.push(request.url()));
  await page.field("paymentId").fill("");
  await page.field("data").fill("[1]");
  await page.button("Send").click();
  await page.view.locator(".result.bad", { hasText: /^Not sent: paymentId: this is needed$/ })
    .waitFor();
  assert.deepEqual([await invalid(), await focused(), requests], [
    ["paymentId", "data"],
    "paymentId",
    [],
  ]);

  await page.field("paymentId").fill("p1");
  await page.field("data").fill(`{"theirs": true}`);
  await page.field("data.currency").fill("much too long for one");
  await page.button("Send").click();
  await page.view.locator(".result.bad", { hasText: /^400 validation: / }).waitFor();
  assert.deepEqual([await invalid(), await focused()], [["data.currency"], "data.currency"]);
  await page.field("data.currency").fill("EUR");
  assert.deepEqual(await invalid(), []);
  await page.button("Send").click();
  // Without a customer the kind has no default target.
  await page.view.locator(".result.bad", { hasText: /customerId|target/ }).waitFor();
  assert.equal((await invalid()).length, 1);
  await page.field("data.customerId").fill("u1");
  await page.page.keyboard.press("Control+Enter");
  await page.view.locator(".result.good", {
    hasText: "no receiver is connected; it is kept for replay",
  }).waitFor();
  const { json } = await server.api("GET", "/v1/notifications?user=u1");
  assert.deepEqual(json.notifications[0].data.theirs, true);
  assert.deepEqual(
    (await page.breaches()).filter((line) => !line.includes("400 (Bad Request)")),
    [],
  );
});
