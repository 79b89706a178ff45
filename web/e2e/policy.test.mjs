// The single script of the npm package in a page with a strict Content-Security-Policy, as
// docs/javascript.md says.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { API_KEY, builds, Server } from "./harness.mjs";
import { once, SOON, TEST } from "./wait.mjs";

async function serve(t, answer) {
  const http = createServer(answer).listen(0, "127.0.0.1");
  await once(http, "listening");
  t.after(() => {
    http.close();
    http.closeAllConnections();
  });
  return `http://127.0.0.1:${http.address().port}`;
}

test("a page needs the hash of the script and the server in its policy", TEST, async (t) => {
  await builds();
  const dist = join(import.meta.dirname, "..", "client", "dist");
  const script = await readFile(join(dist, "roomcast.min.js"));
  const hash = `sha384-${createHash("sha384").update(script).digest("base64")}`;
  const server = await Server.start(t);
  const cdn = await serve(t, (_, response) =>
    response.writeHead(200, {
      "Content-Type": "text/javascript",
      "Access-Control-Allow-Origin": "*",
    }).end(script));
  const pages = await serve(t, ({ url }, response) =>
    response.writeHead(200, {
      "Content-Type": "text/html",
      "Content-Security-Policy": `default-src 'none'; script-src '${hash}' 'nonce-page'; ` +
        `connect-src ${server.url} ${server.url.replace("http", "ws")}; ` +
        "require-trusted-types-for 'script'; trusted-types 'none'",
    }).end(
      `<script src="${cdn}/" integrity="${hash}" crossorigin="anonymous"></script>
       <script nonce="page">
         const options = ${decodeURIComponent(url.slice(1))};
         const client = roomcast.connect({ url: "${server.url}", userId: "u1", ...options });
         client.on("hello", ({ data }) => document.title = data);
         client.on("connected", () => document.title = "connected");
       </script>`,
    ));
  const browser = await openBrowser(t);
  const sent = { target: { user: "u1" }, type: "hello", data: "got it" };
  for (const options of ['{"transport":"socket.io"}', '{"transport":"sse"}', '{"shared":true}']) {
    const page = await browser.newPage();
    const problems = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (line) => line.type() === "error" && problems.push(line.text()));
    const titled = (title) =>
      page.waitForFunction((want) => document.title === want, title, { timeout: SOON });
    await page.goto(`${pages}/${encodeURIComponent(options)}`);
    await titled("connected");
    const response = await fetch(`${server.url}/v1/notifications`, {
      method: "POST",
      headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
      body: JSON.stringify(sent),
    });
    assert.equal(response.status, 200);
    await titled("got it");
    const ours = problems.filter((text) => !text.includes("favicon"));
    assert.deepEqual(ours, [], options);
    await page.close();
  }
});
