// Makes the pictures in docs/images from the real console. Run it after a change of its appearance, by `make pictures`.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Console, openBrowser } from "./browser.mjs";
import { connectSocket, openStream } from "./clients.mjs";
import { Server } from "./harness.mjs";

const directory = join(import.meta.dirname, "..", "..", "docs", "images");
const ends = [];
const t = { after: (run) => ends.push(run) };

/** Connects users over both transports. */
async function people(server) {
  const team = [["ann", "Ann Lee"], ["bob", "Bob Ortiz"], ["carla", "Carla Weiss"], [
    "dev",
    "Dev Patel",
  ], ["ema", "Ema Novak"]];
  for (const [n, [userId, username]] of team.entries()) {
    const channels = [
      "orders",
      `team-${"ab"[n % 2]}`,
      ...(n === 1 ? ["news", "alerts", "eu"] : []),
    ];
    if (n % 2) await openStream(t, server, { userId, username, channels });
    else await connectSocket(t, server, {
        auth: { userId, username, channels },
        transports: n === 4 ? ["polling"] : ["websocket"],
      });
  }
}

async function connections(page) {
  await page.go("connections");
  await page.view.locator("tr", { hasText: "ann" }).locator(".toggle").click();
  await page.page.getByText("Take out of orders").or(page.button("Take out of orders")).first()
    .waitFor();
}

async function stats(page, server) {
  await page.go("stats");
  for (let n = 1; n <= 9; n++) {
    const batch = Array.from(
      { length: Math.round(12 + 10 * Math.sin(n)) },
      () => ({ target: { channel: "orders" }, type: "order:created", data: { n } }),
    );
    await server.publish(batch);
    if (n % 3 === 0) await openStream(t, server, { userId: `guest-${n}` });
    await page.page.waitForResponse((response) => response.url().includes("/v1/stats?"));
  }
}

async function send(page) {
  await page.go("send?kind=payment");
  await page.button("Fill in an example").click();
  await page.field("data.customerId").fill("ann");
  await page.field("status").selectOption("completed");
  await page.field("data.description").fill("");
  await page.field("data.reason").fill("");
  await page.field("data.method").fill("card");
  await page.button("Send").click();
  await page.view.locator(".result.good").waitFor();
  await page.page.evaluate(() => scrollTo(0, 0));
}

const EVENTS = [
  ["order:created", { orderId: 17, lines: [{ sku: "A-1", quantity: 2 }] }],
  ["order:paid", { orderId: 17, amount: 42.5, currency: "EUR" }],
  ["job:progress", { jobId: "export-3", progress: 60 }],
  ["order:shipped", { orderId: 17, carrier: "post" }],
];

async function tail(page, server) {
  await page.go("tail?user=ann&channel=orders");
  await page.button("Join all that have members").click();
  await page.button("Connect").click();
  await page.view.locator(".event[data-type=connected]").waitFor();
  for (const [type, data] of EVENTS)
    await server.publish({ target: { channel: "orders" }, type, data });
  await page.view.locator(".event[data-type='order:created'] summary").click();
}

async function tryout(page, server) {
  await page.go("try");
  await page.identify({ userId: "ann", username: "Ann Lee" });
  await page.join("orders");
  const sides = ["socketio", "sse"].map((id) => page.side(id));
  await page.button("Connect both").click();
  for (const side of sides) await side.live();
  for (const [type, data] of EVENTS.slice(0, 2))
    await server.publish({ target: { channel: "orders" }, type, data });
  for (const side of sides) await side.row("order:paid");
  await sides[1].do("cut");
  await sides[1].state("reconnecting");
  for (const [type, data] of EVENTS.slice(2))
    await server.publish({ target: { channel: "orders" }, type, data });
  await sides[0].row("order:shipped");
  await sides[1].do("cut");
  await sides[1].row("order:shipped", "replayed");
  await page.view.getByText("4 ids on both sides").waitFor();
  await page.page.evaluate(() => scrollTo(0, 0));
}

async function tokens(page) {
  await page.go("tokens");
  await page.page.fill("#token [name=secret]", "a secret for this picture only, 32+");
  await page.button("Sign").click();
  await page.view.getByText("Signed.").waitFor();
}

/** Writes one picture. */
async function shoot(page, name, options = {}) {
  await page.page.mouse.move(0, 0);
  await page.page.screenshot({
    path: join(directory, `console-${name}.png`),
    animations: "disabled",
    caret: "hide",
    ...options,
  });
}

const DESKTOP = { width: 1280, height: 860 }, PHONE = { width: 360, height: 740 };
const views = { connections, stats, send, tail, tryout, tokens };

try {
  await mkdir(directory, { recursive: true });
  const server = await Server.start(t);
  const browser = await openBrowser(t);
  await people(server);
  for (const [name, show] of Object.entries(views)) {
    const page = await Console.open(browser, server, { colorScheme: "light", viewport: DESKTOP });
    await show(page, server);
    await shoot(page, name);
    if (name === "tryout") {
      await page.page.emulateMedia({ colorScheme: "dark" });
      await shoot(page, `${name}-dark`);
    }
    if (name === "connections" || name === "send") {
      await page.page.setViewportSize(PHONE);
      await page.page.evaluate(() => scrollTo(0, 0));
      await shoot(page, `${name}-phone`);
    }
    await page.page.context().close();
  }
} finally {
  for (const end of ends.reverse()) await end();
}
