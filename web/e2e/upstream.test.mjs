// An application and the server on one address: UPSTREAM_URL.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { connectSocket } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { Tape, TEST } from "./wait.mjs";

const PAGE = `<!doctype html><title>the application</title>
<script>
  const lines = [];
  const say = (...what) => { lines.push(what.join(" ")); document.title = lines.length; };
  const socket = new WebSocket(location.origin.replace("http", "ws") + "/echo");
  socket.onopen = () => socket.send("hello");
  socket.onmessage = (event) => say("echo", event.data);
  const notifications = new EventSource("/sse");
  for (const name of ["connected", "paid"]) notifications.addEventListener(name, (event) => say(name, event.data));
  new EventSource("/feed").onmessage = (event) => say("feed", event.data);
  fetch("/form", { method: "PUT", body: "x".repeat(1 << 20) }).then((response) => response.text()).then((text) => say("form", text));
</script>`;

/**
 * Starts a small application: a page with a cookie, an upload, a stream and a WebSocket that
 * echoes.
 */
async function application(t) {
  const app = createServer(async (request, response) => {
    switch (request.url) {
      case "/":
        response.setHeader("Set-Cookie", "session=1; HttpOnly");
        response.setHeader("Content-Type", "text/html");
        return response.end(PAGE);
      case "/form": {
        let bytes = 0;
        for await (const chunk of request) bytes += chunk.length;
        return response
          .end(`${bytes} bytes, ${request.headers.cookie}, ${request.headers.host}, ${
            request.headers["x-forwarded-for"]
          }`);
      }
      case "/feed":
        response.setHeader("Content-Type", "text/event-stream");
        return response.write("data: from the application\n\n");
      default:
        response.statusCode = 404;
        return response.end(`the application has no ${request.url}`);
    }
  });
  const sockets = new Set();
  app.on("connection", (socket) => sockets.add(socket.on("close", () => sockets.delete(socket))));
  app.on("upgrade", (request, socket) => {
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
    socket
      .write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.on("error", () => {});
    socket.on("data", (frame) => { // a short text frame arrives in one piece, masked
      if ((frame[0] & 0x0f) !== 1) return socket.end();
      const length = frame[1] & 0x7f;
      const text = frame.subarray(6, 6 + length).map((byte, n) => byte ^ frame[2 + (n % 4)]);
      socket.write(Buffer.concat([Buffer.from([0x81, length]), text]));
    });
  });
  app.listen(0, "127.0.0.1");
  await once(app, "listening");
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    if (app.listening) await new Promise((resolve) => app.close(resolve));
  };
  t.after(stop);
  return { url: `http://127.0.0.1:${app.address().port}`, stop };
}

test("an application shares the address", TEST, async (t) => {
  const app = await application(t);
  const server = await Server.start(t, { UPSTREAM_URL: app.url });
  const page = await (await openBrowser(t)).newPage();
  const tape = new Tape("the page");
  await page.exposeFunction("report", (line) => tape.push({ name: line.split(" ")[0], line }));
  await page.addInitScript(() => {
    // The function say() of the page appends to lines.
    setInterval(() => {
      for (const line of globalThis.eval("typeof lines === 'undefined' ? [] : lines.splice(0)"))
        window.report(line);
    }, 20);
  });
  await page.goto(server.url);
  assert.equal((await tape.next("echo")).line, "echo hello");
  assert.equal((await tape.next("feed")).line, "feed from the application");
  assert.equal(
    (await tape.next("form")).line,
    `form 1048576 bytes, session=1, 127.0.0.1:${server.port}, 127.0.0.1`,
  );
  await tape.next("connected");
  await server.publish({ target: { all: true }, type: "paid", data: 9.99 });
  await tape.next("paid");

  await connectSocket(t, server, { auth: { userId: "u1" }, transports: ["polling", "websocket"] });
  const get = async (path) => {
    const response = await fetch(server.url + path, { redirect: "manual" });
    return `${response.status} ${(await response.text()).slice(0, 40)}`;
  };
  assert.equal(await get("/nowhere"), "404 the application has no /nowhere");
  assert.match(await get("/v1/nowhere"), /^404 \{/);
  assert.match(await get("/console/"), /^200 <!doctype html>/);
  assert.match(await get("/console"), /^307 /);

  await app.stop();
  assert.match(await get("/"), /^502 \{"type":"about:blank","title":"Bad Gate/);
  assert.match(await get("/readyz"), /^200 /);

  const { code, ms } = await server.signal("SIGTERM");
  assert.equal(code, 0);
  assert.ok(ms < 25_000, `it took ${ms} ms, so it waited for DRAIN_TIMEOUT to pass`);
});
