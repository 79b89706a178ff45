// A page with the stock socket.io-client in a browser: the server is killed, or redeployed, and the
// page says that it has recovered, with everything that it missed.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { oneBrowser } from "./browser.mjs";
import { start } from "./disk.mjs";
import { retry, SOON, TEST } from "./wait.mjs";

const openBrowser = oneBrowser();

/** What the page of socket.io on connection state recovery does, with elements that show it. */
const PAGE = `<!doctype html>
<title>Orders</title>
<p id="state">connecting</p>
<p id="id"></p>
<ul id="orders"></ul>
<script src="/socket.io/socket.io.js"></script>
<script>
  const socket = io({ auth: { userId: "ada", channels: ["orders"] } });
  socket.on("connect", () => {
    document.getElementById("id").textContent = socket.id;
    document.getElementById("state").textContent = socket.recovered ? "recovered" : "new session";
  });
  socket.on("disconnect", () => {
    document.getElementById("state").textContent = "disconnected";
  });
  socket.on("order", ({ data }) => {
    const item = document.createElement("li");
    item.textContent = data;
    document.getElementById("orders").append(item);
  });
</script>`;

for (const signal of ["SIGKILL", "SIGTERM"])
  test(`the page shows recovered after ${signal}`, TEST, async (t) => {
    const server = await start(t, {
      SOCKETIO_CLIENT: join(import.meta.dirname, "../node_modules/socket.io-client/dist"),
    });
    const order = (data) =>
      server.publish({ target: { channel: "orders" }, type: "order", data });

    const browser = await openBrowser(t);
    const page = await browser.newPage();
    page.setDefaultTimeout(SOON);
    await page.route(
      `${server.url}/orders`,
      (route) => route.fulfill({ contentType: "text/html", body: PAGE }),
    );
    await page.goto(`${server.url}/orders`);
    const text = (id) => page.locator(`#${id}`).textContent();
    const shows = (state) => retry(async () => await text("state") === state, `the page: ${state}`);
    const orders = (...expected) =>
      retry(
        async () => {
          const shown = await page.locator("#orders li").allTextContents();
          return JSON.stringify(shown) === JSON.stringify(expected);
        },
        `the orders ${expected.join(", ")}`,
      );

    await shows("new session");
    const id = await text("id");
    await order("first");
    await orders("first");
    for (const missed of ["second", "third"]) {
      await server.saved();
      await server.signal(signal);
      await shows("disconnected");
      await server.up();
      await order(missed); // the page may be away, or back
      await shows("recovered");
      assert.equal(await text("id"), id);
    }
    await order("fourth");
    await orders("first", "second", "third", "fourth");
  });
