// The files of socket.io-client below /socket.io, compared with those that socket.io on Node serves.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { Server as NodeServer } from "socket.io";
import { openBrowser } from "./browser.mjs";
import { Server } from "./harness.mjs";
import { once, SOON, TEST } from "./wait.mjs";

const require = createRequire(import.meta.url);
const dist = join(dirname(require.resolve("socket.io/package.json")), "client-dist");

const FILES = ["socket.io", "socket.io.min", "socket.io.esm.min", "socket.io.msgpack.min"]
  .flatMap((name) => [`${name}.js`, `${name}.js.map`]);

async function startNode(t) {
  const http = createServer((_, response) => response.writeHead(404).end());
  const io = new NodeServer(http);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  t.after(() => io.close());
  return `http://127.0.0.1:${http.address().port}`;
}

const get = (url, init) => fetch(url, { signal: AbortSignal.timeout(SOON), ...init });

/** What a page can notice of an answer, without what is of one server only. */
async function answer(url, init) {
  const response = await get(url, init);
  const header = (name) => response.headers.get(name);
  return {
    status: response.status,
    type: header("content-type"),
    cache: header("cache-control"),
    encoded: header("content-encoding") !== null,
    body: Buffer.from(await response.arrayBuffer()).toString("base64"),
  };
}

test("the files are those that a Node server serves", async (t) => {
  const node = await startNode(t);
  const server = await Server.start(t, { SOCKETIO_PRESET: "node", SOCKETIO_CLIENT: dist });
  for (const name of FILES) {
    for (const init of [
      {},
      { method: "HEAD" },
      { headers: { "accept-encoding": "identity" } },
      { headers: { "accept-encoding": "gzip" } },
    ]) {
      for (const path of [`/socket.io/${name}`, `/socket.io/${name}?t=abc`]) {
        assert.deepEqual(await answer(server.url + path, init), await answer(node + path, init), path);
      }
    }
    for (const url of [server.url, node]) {
      const tag = (await get(`${url}/socket.io/${name}`)).headers.get("etag");
      for (const value of [tag, `W/${tag}`]) {
        const again = await get(`${url}/socket.io/${name}`, { headers: { "If-None-Match": value } });
        assert.equal(again.status, 304);
        assert.equal(await again.text(), "");
      }
    }
  }
  for (const name of ["package.json", "socket.io.js/", "socket.io.JS", "..%2fpackage.json"]) {
    const { status } = await get(`${server.url}/socket.io/${name}`);
    assert.ok(status === 404 || status === 400, `${name}: ${status}`);
  }
});

test("a page loads the client from the server, as a script and as a module", TEST, async (t) => {
  const pages = createServer((request, response) =>
    response.writeHead(200, { "Content-Type": "text/html" }).end(
      request.url === "/module"
        ? `<script type="module">import { io } from "/socket.io/socket.io.esm.min.js";
           io().on("connect", () => { document.title = "connected"; });</script>`
        : `<script src="/socket.io/socket.io.js"></script>
           <script>io().on("connect", () => { document.title = "connected"; });</script>`,
    )
  );
  pages.listen(0, "127.0.0.1");
  await once(pages, "listening");
  t.after(() => {
    pages.close();
    pages.closeAllConnections();
  });
  const server = await Server.start(t, {
    SOCKETIO_PRESET: "node",
    SOCKETIO_CLIENT: dist,
    UPSTREAM_URL: `http://127.0.0.1:${pages.address().port}`,
  });
  const browser = await openBrowser(t);
  const page = await browser.newPage();
  for (const path of ["/script", "/module"]) {
    await page.goto(server.url + path);
    await page.waitForFunction(() => document.title === "connected", null, { timeout: SOON });
  }
});

test("without SOCKETIO_CLIENT the answer says how to get the files", async (t) => {
  const server = await Server.start(t);
  const response = await get(`${server.url}/socket.io/socket.io.js`);
  assert.equal(response.status, 404);
  assert.match((await response.json()).detail, /SOCKETIO_CLIENT/);
});
