// A login by cookie over plain HTTP to a host name, where browsers send no Sec-Fetch-Site.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { Server } from "./harness.mjs";
import { TEST } from "./wait.mjs";

const JWT_SECRET = "0123456789abcdef0123456789abcdef";

/** Returns a token of the user u1. */
function mint() {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const body = `${encode({ alg: "HS256" })}.${encode({ sub: "u1", exp })}`;
  return `${body}.${createHmac("sha256", JWT_SECRET).update(body).digest("base64url")}`;
}

/** Starts an application that logs every visitor in. /strict sends no Referer. */
async function application(t) {
  const app = createServer((request, response) => {
    response.setHeader("Set-Cookie", `auth_token=${mint()}; HttpOnly; SameSite=Lax`);
    response.setHeader("Content-Type", "text/html");
    if (request.url === "/strict") response.setHeader("Referrer-Policy", "no-referrer");
    response.end("<!doctype html><title>the application</title>");
  });
  t.after(() => app.close());
  await once(app.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${app.address().port}`;
}

/** Runs in the page: opens a stream, and connects by polling. */
async function connect() {
  const stream = new EventSource("/sse");
  const user = await new Promise((resolve) => {
    stream.addEventListener("connected", (event) => resolve(JSON.parse(event.data).userId));
    stream.addEventListener("error", () => resolve(`error, state ${stream.readyState}`));
  });
  stream.close();
  const path = "/socket.io/?EIO=4&transport=polling";
  const { sid } = JSON.parse((await (await fetch(path)).text()).slice(1));
  await fetch(`${path}&sid=${sid}`, { method: "POST", body: "40" });
  const reply = await (await fetch(`${path}&sid=${sid}`)).text();
  return [user, reply.slice(0, 3), window.isSecureContext];
}

test("a cookie over plain HTTP", TEST, async (t) => {
  const UPSTREAM_URL = await application(t);
  const server = await Server.start(t, { AUTH_MODE: "token", JWT_SECRET, UPSTREAM_URL });
  const browser = await openBrowser(t, ["--host-resolver-rules=MAP intranet.test 127.0.0.1"]);
  const page = await browser.newPage();
  await page.goto(`http://intranet.test:${server.port}/`);
  assert.deepEqual(await page.evaluate(connect), ["u1", "40{", false]);
  // docs/authentication.md: without Referer nothing names the page.
  await page.goto(`http://intranet.test:${server.port}/strict`);
  assert.deepEqual(await page.evaluate(connect), ["error, state 2", "44{", false]);
});
