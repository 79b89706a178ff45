// Credentials in the console: tickets and tokens for clients, and the key of the page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Console, oneBrowser } from "./browser.mjs";
import { openStream } from "./clients.mjs";
import { API_KEY, Server } from "./harness.mjs";
import { retry, TEST } from "./wait.mjs";

const openBrowser = oneBrowser();

test("tickets and tokens admit clients, and the secret stays in the form", TEST, async (t) => {
  const secret = "a secret of the test, long enough for it";
  const server = await Server.start(t, { AUTH_MODE: "token", JWT_SECRET: secret });
  const page = await Console.open(await openBrowser(t), server, { view: "tokens" });
  await page.view.getByText("This server is in token mode").waitFor();
  await page.page.fill("#ticket [name=channels]", "team-*");
  await page.button("Issue a ticket").click();
  await page.view.getByText("Issued. It is valid for one connection.").waitFor();
  const ticket = await page.page.getByLabel("Ticket", { exact: true }).textContent();
  const stream = await openStream(t, server, { ticket, channels: ["team-1", "other"] });
  assert.deepEqual([stream.connected.userId, stream.connected.denied], ["alice", ["other"]]);
  await page.view.getByText(/^Valid for another \d+ s\.$/).waitFor();

  await page.button("Sign").click();
  await page.view.getByText("The secret is missing.").waitFor();
  await page.page.fill("#token [name=secret]", "short");
  await page.button("Sign").click();
  await page.view.getByText("The secret has 5 bytes").waitFor();
  await page.page.fill("#token [name=secret]", secret);
  await page.page.fill("#token [name=sub]", "dora");
  await page.page.fill("#token [name=patterns]", "orders");
  await page.page.fill("#token [name=publish]", "orders");
  await page.button("Sign").click();
  await page.view.getByText(/^Signed\. It expires at [^.]*\.$/).waitFor();
  const stored = await page.page.evaluate(() =>
    JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie, location.href])
  );
  assert.equal(stored.includes(secret), false);

  await page.button("Use in the try-out").click();
  await page.button("Connect both").waitFor();
  await page.join("orders");
  await page.button("Connect both").click();
  await Promise.all(["socketio", "sse"].map((id) => page.side(id).live()));
  const { json } = await server.api("GET", "/v1/connections?user=dora");
  assert.deepEqual(
    json.connections.map(({ transport, rooms }) => [transport, rooms.includes("orders")]).sort(),
    [["sse", true], ["websocket", true]],
  );

  // The tail requests tickets, each valid for one connection.
  await page.go("tail?user=eve&channel=orders");
  await page.button("Connect").click();
  await page.view.getByText("connected by Socket.IO").waitFor();
  await page.button("Reconnect").click();
  await retry(
    async () => (await page.view.locator(".event[data-type=connected]").count()) === 2,
    "the second connection",
  );
  assert.deepEqual(await page.breaches(), []);
});

test("the page asks for a key, and shows what the key may not do", TEST, async (t) => {
  const server = await Server.start(t, {
    API_KEYS: `limited-0123456789abcdef0123456789abcdef:channel:orders`,
  });
  const page = await Console.open(await openBrowser(t), server, { key: "" });
  const dialog = page.page.getByRole("dialog", { name: "API key" });
  await dialog.getByRole("textbox", { name: "Key" }).fill("wrong");
  await page.page.keyboard.press("Enter");
  await page.view.getByText(/^403 forbidden: /).waitFor();
  await page.button("Use another").click();
  await dialog.getByRole("textbox").fill("limited-0123456789abcdef0123456789abcdef");
  await dialog.getByRole("button", { name: "Use it" }).click();
  await page.view.getByText(/^403 forbidden: /).waitFor();
  await page.field("channel").fill("orders");
  await page.view.getByText("No connection matches.").waitFor();
  assert.equal(await page.view.locator(".note").textContent(), "");
  await page.go("tail?user=ann&channel=orders");
  await page.button("Connect").click();
  await page.view.getByText("connected by Socket.IO").waitFor();
  await page.go("connections");
  await page.page.reload();
  await page.go("connections?channel=orders");
  await page.view.getByText("No connection matches.").waitFor();
  await page.page.getByRole("button", { name: "API key" }).click();
  await dialog.getByRole("button", { name: "Forget it" }).click();
  await page.view.getByText("This needs an API key.").waitFor();
  assert.equal(await page.page.evaluate(() => sessionStorage.length), 0);
});

test("a refused key is not used again until somebody enters one", TEST, async (t) => {
  const server = await Server.start(t);
  const page = await Console.open(await openBrowser(t), server, { view: "connections" });
  await page.view.getByText("0 connections").waitFor();
  const stale = "stale-key-0123456789abcdef0123456789abcdef";
  let requests = 0;
  page.page.on("request", (request) => {
    if (request.url().includes("/v1/") && request.headers().authorization?.includes(stale)) requests++;
  });
  const dialog = page.page.getByRole("dialog", { name: "API key" });
  await page.page.getByRole("button", { name: "API key" }).click();
  await dialog.getByRole("textbox").fill(stale);
  await page.page.keyboard.press("Enter");
  await page.view.getByText(/^403 forbidden: /).waitFor();
  assert.equal(await page.view.getByText("0 connections").count(), 0);
  assert.equal(await page.view.getByText("Nobody is connected.").count(), 0);
  // The browser shows another tab, and this one again.
  await page.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await new Promise((resolve) => setTimeout(resolve, 5000)); // two polls would be due
  assert.equal(requests, 1);
  for (const view of ["channels", "stats"]) {
    await page.go(view); // asks once each
    await page.view.getByText(/^403 forbidden: /).waitFor();
  }
  await new Promise((resolve) => setTimeout(resolve, 5000));
  assert.equal(requests, 3);
  await page.button("Use another").click();
  await dialog.getByRole("textbox").fill(API_KEY);
  await page.page.keyboard.press("Enter");
  await page.view.getByText("Open mode").waitFor();
  await page.go("connections");
  await page.view.getByText("0 connections").waitFor();

  await server.signal("SIGKILL");
  await page.view.getByText("No answer: the server cannot be reached").waitFor();
  assert.equal(await page.view.getByText("0 connections").count(), 0);
  assert.equal(await page.view.getByText("Nobody is connected.").count(), 0);
  await server.up();
  await page.view.getByText("0 connections").waitFor(); // it goes on by itself
});
