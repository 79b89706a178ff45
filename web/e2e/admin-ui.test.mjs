// The official admin UI of Socket.IO, from its npm package, in a browser.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, extname, join, normalize, sep } from "node:path";
import { test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { connectSocket, openStream } from "./clients.mjs";
import { Server } from "./harness.mjs";
import { retry, SOON, TEST } from "./wait.mjs";

// The hash of "changeit".
const HASH = "$2a$10$7icEOtUgjZalLuxiABFtxujqeMOw1GNEZhNyGW0MSl8X7j1.nAQD2";

const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

/** Serves the bundle of the package on another origin than the server. Resolves with its URL. */
async function serveBundle(t) {
  const require = createRequire(import.meta.url);
  const root = join(dirname(require.resolve("@socket.io/admin-ui/package.json")), "ui", "dist");
  const files = createServer(async (request, response) => {
    const path = normalize(join(root, new URL(request.url, "http://localhost").pathname));
    const file = path.endsWith(sep) ? join(path, "index.html") : path;
    try {
      assert.ok(file.startsWith(root));
      const content = await readFile(file);
      response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  files.listen(0, "127.0.0.1");
  await once(files, "listening");
  t.after(() => {
    files.close();
    files.closeAllConnections();
  });
  return `http://127.0.0.1:${files.address().port}/`;
}

/** The UI in a tab. */
class AdminUI {
  static async open(browser, bundle) {
    const context = await browser.newContext({ viewport: { width: 1600, height: 1000 } });
    const page = await context.newPage();
    page.setDefaultTimeout(SOON);
    // Its fonts and icons are on other hosts.
    await page.route((url) => url.hostname !== "127.0.0.1", (route) => route.abort());
    const ui = new AdminUI(page);
    page.on("pageerror", (error) => ui.errors.push(error.message));
    await page.goto(bundle);
    return ui;
  }

  errors = [];

  constructor(page) {
    this.page = page;
  }

  async login(server, password) {
    await this.page.getByLabel("Server URL").fill(server.url);
    await this.page.getByLabel("Username").fill("admin");
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Connect", exact: true }).click();
  }

  /** Opens a view by its name in the address. */
  async go(view, title) {
    await this.page.evaluate((hash) => {
      location.hash = hash;
    }, `#/${view}`);
    await this.shows(title);
  }

  /** Waits for a view, and until the one before has moved out. title: the end of its breadcrumbs. */
  async shows(title) {
    const shown = this.page.locator(".v-breadcrumbs");
    let texts;
    await retry(async () => {
      texts = await shown.allTextContents();
      return texts.length === 1 && texts[0].trim().endsWith(title);
    }, () => `the view ${title}, not ${texts}`);
  }

  /** Ends a socket by the button in its row. The click opens the details of the row, too. */
  async end(id) {
    await this.row(id).getByRole("button").click();
    await this.shows("Socket details");
    await this.go("sockets/", "Sockets");
  }

  /** The row of a table that has this text. */
  row(text) {
    return this.page.locator("tbody tr", { hasText: text });
  }
}

test("the official admin UI shows sockets and streams, and moves and ends them", TEST, async (t) => {
  const server = await Server.start(t, {
    ADMIN_UI: "on",
    ADMIN_UI_READONLY: "false",
    ADMIN_UI_PASSWORD_HASH: HASH,
  });
  const socket = await connectSocket(t, server, { auth: { userId: "ann" } });
  const stream = await openStream(t, server, { userId: "bob", channels: "news" });
  const ann = socket.connected.clientId;
  const bob = stream.connected.clientId;

  const bundle = await serveBundle(t);
  const browser = await openBrowser(t);
  const ui = await AdminUI.open(browser, bundle);
  await ui.login(server, "wrong");
  await ui.page.getByText("Invalid credentials").waitFor();
  await ui.login(server, "changeit");
  await ui.page.getByLabel("Server URL").waitFor({ state: "hidden" });

  await ui.go("sockets/", "Sockets");
  await ui.row(ann).getByText("WebSocket", { exact: true }).waitFor();
  await ui.row(bob).getByText("sse", { exact: true }).waitFor();
  assert.match(await ui.row(bob).textContent(), /127\.0\.0\.1/);

  // A socket that comes later.
  const late = await connectSocket(t, server, { auth: { userId: "eve" }, transports: ["polling"] });
  await ui.row(late.connected.clientId).getByText("HTTP long-polling").waitFor();

  // The stream joins a room, and gets what is published there.
  await ui.go(`n/${encodeURIComponent("/")}/sockets/${bob}`, "Socket details");
  await ui.row("news").waitFor();
  await ui.page.getByLabel("Join a room").fill("vip");
  await ui.page.locator("form:has(.select-room) button[type=submit]").click();
  await ui.row("vip").waitFor();
  const streamed = stream.tape.next("message");
  await retry(async () => {
    const { delivered } = await server.publish({
      target: { channel: "vip" },
      type: "message",
      data: 1,
    });
    return delivered === 1;
  }, "the stream in its room");
  assert.equal((await streamed).data.data, 1);

  // The rooms, then the end of both.
  await ui.go("rooms/", "Rooms");
  await ui.row("vip").waitFor();
  await ui.go("sockets/", "Sockets");
  const gone = new Promise((resolve) => socket.socket.once("disconnect", resolve));
  await ui.end(ann);
  assert.equal(await gone, "io server disconnect");
  await ui.row(ann).waitFor({ state: "detached" });
  await ui.end(bob);
  await stream.tape.next("disconnected");
  await retry(async () => {
    const { json } = await server.api("GET", "/v1/connections?user=bob");
    return !json.connections.some(({ clientId }) => clientId === bob);
  }, "the end of the stream");
  await ui.row(bob).waitFor({ state: "detached" });

  // The page remembers its session.
  await ui.page.reload();
  await ui.go("servers/", "Servers");
  await ui.row(/#\d+/).waitFor();
  assert.equal(await ui.page.getByLabel("Server URL").isVisible(), false);

  // A server without the setting has no such namespace.
  const other = await Server.start(t);
  await assert.rejects(
    connectSocket(t, other, { namespace: "/admin", auth: { userId: "ann" } }),
    /Invalid namespace/,
  );
  assert.deepEqual(ui.errors, []);
});
