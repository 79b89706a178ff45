// Tabs of a browser that share one connection: real tabs, one of which crashes. With an EventSource
// each they would need more than the six connections to a host that HTTP/1.1 allows.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { builds, Server } from "./harness.mjs";
import { tabsOf } from "./lifecycle.mjs";
import { deadline, retry, SOON, TEST } from "./wait.mjs";

const TABS = 9;

/**
 * Serves the built package and a page that uses it. Resolves with the url of the page. waits takes
 * the response to a request for /wait.
 */
async function servePages(t, waits) {
  const web = join(import.meta.dirname, "..");
  await builds();
  const pages = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    if (pathname === "/wait") return waits(response);
    const script = /^\/\w+\.js$/.test(pathname);
    response.setHeader("Content-Type", script ? "text/javascript" : "text/html");
    response
      .end(script
        ? await readFile(join(web, "client", "dist", pathname))
        : "<!doctype html><title>tab</title>");
  }).listen(0, "127.0.0.1");
  await once(pages, "listening");
  t.after(() => {
    pages.closeAllConnections();
    pages.close();
  });
  return `http://127.0.0.1:${pages.address().port}/`;
}

test(
  "a tab that cannot load the code of a shared connection connects by itself",
  TEST,
  async (t) => {
    const server = await Server.start(t);
    const url = await servePages(t);
    const browser = await openBrowser(t);
    const page = await browser.newPage();
    page.setDefaultTimeout(SOON);
    await page.route("**/shared.js", (route) => route.abort());
    await page.goto(url);
    const joined = await page.evaluate(async (options) => {
      const { connect } = await import("/index.js");
      return connect(options).join("a");
    }, { url: server.url, userId: "ann", shared: true });
    assert.deepEqual(joined, { joined: ["a"], denied: [] });
  },
);

/**
 * Opens n tabs that share a connection. The first one leads. send publishes to all; heard checks
 * that pages received everything, in order and once; stop stops one tab.
 */
async function openTabs(t, n, transport) {
  const server = await Server.start(t, { HISTORY_SIZE: "1000" });
  let waits;
  const waiting = new Promise((resolve) => waits = resolve);
  const url = await servePages(t, waits);
  const browser = await openBrowser(t);
  const context = await browser.newContext();
  const tabs = [];
  for (let i = 0; i < n; i++) {
    const page = await context.newPage();
    page.setDefaultTimeout(SOON);
    await page.goto(url);
    await page.evaluate(async (options) => {
      const { connect } = await import("/index.js");
      window.client = connect(options);
      window.ids = [];
      window.client.on("note", ({ id }) => window.ids.push(id));
    }, { url: server.url, userId: "ann", transport, shared: true });
    await page.waitForFunction(() => window.client.status === "connected");
    tabs.push(page);
  }
  const connections = async () =>
    (await server.api("GET", "/v1/connections")).json.connections.length;
  assert.equal(await connections(), 1);
  const sent = [];
  const send = async () =>
    sent.push((await server.publish({ target: { user: "ann" }, type: "note", data: null })).id);
  const heard = (pages) =>
    Promise.all(pages.map(async (page) => {
      await page.waitForFunction((n) => window.ids.length >= n, sent.length);
      assert.deepEqual(await page.evaluate(() => window.ids), sent);
    }));
  /** Stops the scripts of a tab. Resolves with a function that lets them go on. */
  const stop = async (tab) => {
    const stopped = tab.evaluate(() => {
      const request = new XMLHttpRequest();
      request.open("GET", "/wait", false); // synchronous: nothing else runs before the answer
      request.send();
    });
    const response = await deadline(waiting, SOON, "the request of the stopped tab");
    return () => {
      response.end();
      return stopped;
    };
  };
  return { context, tabs, connections, send, heard, stop };
}

for (const transport of ["socket.io", "sse"]) {
  test(`a frozen leader hands over and comes back (${transport})`, TEST, async (t) => {
    const server = await Server.start(t);
    const url = await servePages(t);
    const openTab = await tabsOf(await openBrowser(t));
    const options = JSON.stringify({ url: server.url, userId: "ann", transport, shared: true });
    const open = async () => {
      const tab = await openTab(url);
      await tab.evaluate(`(async () => {
        const { connect } = await import("/index.js");
        window.client = connect(${options});
        window.ids = [];
        client.on("note", ({ id }) => ids.push(id));
      })()`);
      await retry(() => tab.evaluate("client.status === 'connected'"), "the connection");
      return tab;
    };
    const [leader, ...others] = [await open(), await open(), await open()];
    const clientId = () => others[0].evaluate("client.clientId");
    const before = await clientId();
    const sent = [];
    const send = async (tabs) => {
      sent.push((await server.publish({ target: { user: "ann" }, type: "note", data: null })).id);
      for (const tab of tabs) {
        await retry(() => tab.evaluate(`ids.length >= ${sent.length}`), "the notification");
        assert.deepEqual(await tab.evaluate("ids"), sent);
      }
    };
    const connections = async () =>
      (await server.api("GET", "/v1/connections")).json.connections.length;
    await send([leader, ...others]);
    await leader.freeze();
    const started = Date.now();
    await send(others);
    t.diagnostic(`received ${Date.now() - started} ms after the freeze`);
    assert.notEqual(await clientId(), before);
    await leader.unfreeze();
    await send([leader, ...others]);
    // Chromium closes the stream of a frozen page when the page runs again.
    await retry(async () => await connections() === 1, "one connection");
  });

  test(`a leader that does not run is replaced (${transport})`, TEST, async (t) => {
    const { tabs, send, heard, stop } = await openTabs(t, 3, transport);
    const [leader, ...others] = tabs;
    const goOn = await stop(leader);
    const started = Date.now();
    await send();
    await heard(others);
    t.diagnostic(`replaced after ${Date.now() - started} ms`);
    await goOn();
    await send();
    await heard(tabs);
  });
}

test("more tabs than HTTP/1.1 has connections, and a crash of the leader", TEST, async (t) => {
  const { context, tabs, connections, send, heard } = await openTabs(t, TABS, "sse");
  await send();
  await heard(tabs);

  // The first tab leads. Its process ends without a message.
  const [leader, ...others] = tabs;
  const gone = new Promise((resolve) => leader.once("crash", resolve));
  (await context.newCDPSession(leader)).send("Page.crash").catch(() => {});
  await gone;
  for (let n = 0; n < 20; n++) await send();
  await heard(others);
  await retry(async () => await connections() === 1, "one connection");

  // The user closes another tab.
  await others[0].close();
  await send();
  await heard(others.slice(1));
});
