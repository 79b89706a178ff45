// The console by keyboard, for screen readers, in dark mode, on a phone, and next to an application.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { test } from "node:test";
import { Console, oneBrowser } from "./browser.mjs";
import { openStream } from "./clients.mjs";
import { API_KEY, Server } from "./harness.mjs";
import { retry, TEST } from "./wait.mjs";

const openBrowser = oneBrowser();

const VIEWS = [
  "connections",
  "channels",
  "stats",
  "send",
  "send?kind=payment",
  "send?kind=emit",
  "tail",
  "try",
  "tokens",
];

/** Opens a console with content in every view. */
async function furnished(t, options) {
  const server = await Server.start(t);
  const stream = await openStream(t, server, {
    userId: "ann",
    username: "Ann",
    channels: ["orders", "a-rather-long-name-of-a-channel-that-does-not-break"],
  });
  const page = await Console.open(await openBrowser(t), server, options);
  await page.go("try");
  await page.identify({ userId: "ann" });
  await page.join("orders");
  await page.button("Connect both").click();
  await Promise.all(["socketio", "sse"].map((id) => page.side(id).live()));
  await page.go("tail?channel=orders");
  await page.button("Connect").click();
  await page.view.locator(".event[data-type=connected]").waitFor();
  await server.publish({
    target: { channel: "orders" },
    type: "order:created",
    data: { text: "x".repeat(500) },
  });
  await page.view.locator(".event[data-type='order:created'] summary").click();
  return { server, stream, page };
}

async function each(page, visit) {
  for (const view of VIEWS) {
    await page.go(view);
    if (view === "connections") {
      await page.view.locator(".toggle").first().waitFor();
      if (await page.view.locator(".more:visible").count() === 0)
        await page.view.locator(".toggle").first().click();
    }
    if (view === "tokens") await page.button("Issue a ticket").click();
    if (view.startsWith("send")) await page.view.locator("[name=target]:visible").waitFor();
    await visit(view);
  }
}

test("the keyboard reaches everything", TEST, async (t) => {
  const server = await Server.start(t);
  const stream = await openStream(t, server, { userId: "ann" }, { names: ["hello"] });
  const page = await Console.open(await openBrowser(t), server, { key: "" });
  const { keyboard } = page.page;
  const focused = () =>
    page.page.evaluate(() => {
      const { localName, name, textContent, ariaLabel } = document.activeElement;
      return localName === "body" ? "" : ariaLabel || name || textContent.trim();
    });
  /** Presses Tab until an element has the focus. Every element on the way must show it. */
  const tabTo = async (wanted) => {
    for (let n = 0; n < 80; n++) {
      await keyboard.press("Tab");
      const seen = await page.page.evaluate(() => {
        const node = document.activeElement;
        if (node === document.body || node.closest("dialog")) return true;
        const { outlineStyle, outlineWidth } = getComputedStyle(node);
        const { width, height } = node.getBoundingClientRect();
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && width > 0 && height > 0;
      });
      assert.ok(seen, `the focus on ${await focused()} is not seen`);
      if (await focused() === wanted) return;
    }
    assert.fail(`no way to ${wanted}`);
  };

  await page.page.getByRole("dialog").waitFor();
  assert.equal(await focused(), "key", "the dialog for the key opens at the start");
  await keyboard.type(API_KEY);
  await keyboard.press("Enter");
  await page.view.getByText("1 connection", { exact: true }).waitFor();

  await tabTo(stream.connected.clientId);
  await keyboard.press("Enter");
  await page.view.locator(".more:visible").waitFor();
  await tabTo("Send to it");
  await keyboard.press("Enter");
  await retry(async () => await focused() === "Send", "the focus on the heading of the view");
  await retry(
    async () => await page.field("name").inputValue() === stream.connected.clientId,
    "the client's id in the form",
  );
  await tabTo("type");
  await keyboard.press("Control+A");
  await keyboard.type("hello");
  await keyboard.press("Control+Enter");
  assert.deepEqual((await stream.tape.next("hello")).data.data, null);

  await page.page.evaluate(() => document.activeElement.blur());
  await tabTo("Skip to the content");
  await keyboard.press("Enter");
  await keyboard.press("Tab");
  assert.equal(
    await page.page.evaluate(() => document.activeElement.id),
    "kind",
    "the first field of the view",
  );
  await page.go("connections");
  await tabTo(`Disconnect ${stream.connected.clientId}`);
  await keyboard.press("Enter");
  assert.equal(await focused(), "Disconnect for good");
  await keyboard.press("Escape");
  assert.equal(await focused(), `Disconnect ${stream.connected.clientId}`);
  await keyboard.press("Enter");
  await keyboard.press("Enter");
  await stream.tape.next("disconnected");
  assert.deepEqual(await page.breaches(), []);
});

test("every control has a name, and every view its landmarks", TEST, async (t) => {
  const { page } = await furnished(t);
  const session = await page.page.context().newCDPSession(page.page);
  const NAMED = [
    "button",
    "link",
    "textbox",
    "searchbox",
    "combobox",
    "checkbox",
    "spinbutton",
    "navigation",
    "log",
    "table",
    "dialog",
    "image",
    "search",
    "complementary",
  ];
  await each(page, async (view) => {
    const { nodes } = await session.send("Accessibility.getFullAXTree");
    const seen = nodes.filter(({ ignored }) => !ignored).map((
      { role, name },
    ) => [role?.value, name?.value ?? ""]);
    const nameless = seen.filter(([role, name]) => NAMED.includes(role) && !name.trim());
    assert.deepEqual(nameless, [], view);
    const count = (role) => seen.filter(([one]) => one === role).length;
    assert.deepEqual([count("main"), count("navigation"), count("banner")], [1, 1, 1], view);
    assert.equal(await page.view.locator("h2").count(), 1, view);
    const ids = await page.page.evaluate(() =>
      [...document.querySelectorAll("[id]")].map(({ id }) => id)
    );
    assert.equal(new Set(ids).size, ids.length, `${view}: an id twice`);
    const dangling = await page.page.evaluate(() =>
      [...document.querySelectorAll("main [aria-describedby], main [for]")]
        .flatMap((node) => (node.getAttribute("aria-describedby") ?? node.htmlFor).split(" "))
        .filter((id) => !document.getElementById(id))
    );
    assert.deepEqual(dangling, [], view);
  });
});

for (const colorScheme of ["light", "dark"]) {
  test(`text has enough contrast: ${colorScheme}`, TEST, async (t) => {
    const { page } = await furnished(t, { colorScheme });
    const weak = () =>
      page.page.evaluate(() => {
        const canvas = document.createElement("canvas").getContext("2d", {
          willReadFrequently: true,
        });
        const rgb = (color) => { // in any notation of the browser
          canvas.clearRect(0, 0, 1, 1);
          canvas.fillStyle = color;
          canvas.fillRect(0, 0, 1, 1);
          return canvas.getImageData(0, 0, 1, 1).data;
        };
        const light = ([r, g, b]) =>
          [r, g, b].map((v) => v / 255).map((v) =>
            v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
          )
            .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
        const behind = (node) => {
          for (let at = node; at; at = at.parentElement) {
            const color = rgb(getComputedStyle(at).backgroundColor);
            if (color[3] === 255) return color;
          }
          return [255, 255, 255, 255];
        };
        const found = [];
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        for (let text = walker.nextNode(); text; text = walker.nextNode()) {
          const node = text.parentElement;
          if (
            !text.data.trim() || !node.checkVisibility() ||
            node.closest(":disabled, option, noscript")
          ) continue;
          const [a, b] = [light(rgb(getComputedStyle(node).color)), light(behind(node))].sort((
            x,
            y,
          ) => y - x);
          const ratio = (a + 0.05) / (b + 0.05);
          if (ratio < 4.5) found.push(`${text.data.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
        }
        return found;
      });
    await each(page, async (view) => assert.deepEqual(await weak(), [], view));
    await page.page.evaluate(() => {
      document.querySelector(".top h1").style.color = "#777";
    });
    assert.notDeepEqual(await weak(), [], "what is weak is found");
    const background = () =>
      page.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const own = await background();
    const theme = page.page.getByLabel("Theme");
    await theme.selectOption(colorScheme === "light" ? "dark" : "light");
    assert.notEqual(await background(), own);
    const turned = await background();
    await page.page.reload();
    assert.equal(await background(), turned, "the page keeps the choice");
    await theme.selectOption("");
    assert.equal(await background(), own);
    assert.deepEqual(await page.breaches(), []);
  });
}

test("a phone shows every view without scrolling sideways", TEST, async (t) => {
  const { page } = await furnished(t, {
    viewport: { width: 360, height: 740 },
    hasTouch: true,
    reducedMotion: "reduce",
  });
  await each(page, async (view) => {
    const wide = await page.page.evaluate(() => {
      const inside = (node) => node.closest(".log, pre") !== null && !node.matches(".log, pre");
      const over = [...document.querySelectorAll("body *")].filter((node) =>
        node.checkVisibility() && !inside(node) && !node.closest(".unseen, .skip, thead")
      )
        .filter((node) => node.getBoundingClientRect().right > innerWidth + 0.5);
      return {
        scrolls: document.documentElement.scrollWidth > innerWidth,
        over: over.map((node) => `${node.localName}.${node.className}`),
      };
    });
    assert.deepEqual(wide, { scrolls: false, over: [] }, view);
  });
  assert.equal(await page.page.evaluate(() => document.getAnimations().length), 0);
});

test("next to an application it is at /console", TEST, async (t) => {
  const app = createServer((_, response) => response.end("the application")).listen(0, "127.0.0.1");
  await once(app, "listening");
  t.after(() => {
    app.closeAllConnections();
    app.close();
  });
  const server = await Server.start(t, { UPSTREAM_URL: `http://127.0.0.1:${app.address().port}` });
  const page = await Console.open(await openBrowser(t), server, { path: "/console" });
  assert.equal(page.page.url(), `${server.url}/console/`);
  await page.view.getByText("Nobody is connected.").waitFor();
  await page.go("try");
  await page.button("Connect both").click();
  await Promise.all(["socketio", "sse"].map((id) => page.side(id).live()));
  assert.match(await page.send({ target: "all" }), / · 2 connections /);
  await page.go("send");
  await page.view.locator("[name=target]").waitFor();
  assert.match(
    await page.page.getByLabel("The request as a command").textContent(),
    new RegExp(`curl -sS '${server.url}/v1/notifications'`),
  );
  assert.deepEqual(await page.breaches(), []);
});

test("without JavaScript the page shows commands", TEST, async (t) => {
  const server = await Server.start(t);
  const page = await (await (await openBrowser(t)).newContext({ javaScriptEnabled: false }))
    .newPage();
  await page.goto(server.url);
  await page.locator("noscript p").waitFor(); // visible
  assert.match(
    await page.locator("noscript").textContent(),
    /^\s*The console needs JavaScript\..*curl -N /s,
  );
});
