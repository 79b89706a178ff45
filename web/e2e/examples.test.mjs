// Each example in two browsers: behind Roomcast and with a Socket.IO server of Node, with the same
// page and the same checks.

import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { oneBrowser } from "./browser.mjs";
import { binaryPath, builds, freePort } from "./harness.mjs";
import { Program } from "./snippets.mjs";
import { BUILD, retry, SOON, TEST } from "./wait.mjs";

const openBrowser = oneBrowser();

const root = join(import.meta.dirname, "..", "..");
const examples = join(root, "examples");
const images = join(root, "docs", "images");
const SERVERS = { Roomcast: [], "a Node server": ["--node"] };

before(() => builds(), { timeout: BUILD });

/** Runs an example as its README says. Resolves with its URL. */
async function start(t, name, flags) {
  // Node finds the packages from here.
  const directory = await mkdtemp(join(import.meta.dirname, ".examples-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  for (const part of [name, "run.mjs"])
    await cp(join(examples, part), join(directory, part), { recursive: true });
  const { PATH, HOME, TMPDIR, SystemRoot } = process.env;
  const port = await freePort();
  const program = new Program(t, process.execPath, ["run.mjs", name, ...flags], {
    cwd: directory,
    env: {
      PATH,
      HOME,
      TMPDIR,
      SystemRoot,
      PORT: `${port}`,
      HANDLER_PORT: `${await freePort()}`,
      ROOMCAST_BINARY: await binaryPath(),
    },
  });
  const url = `http://127.0.0.1:${port}`;
  await retry(
    async () => (await fetch(url, { signal: AbortSignal.timeout(SOON) })).ok,
    () => `the example:\n${program.output}`,
  );
  const page = await (await fetch(url)).text();
  assert.equal(page, await readFile(join(examples, name, "index.html"), "utf8"));
  return { url, program };
}

/** Opens the example in pages of their own browsers. */
async function open(t, { url }, count) {
  const browser = await openBrowser(t);
  const complaints = [], pages = [];
  for (let n = 0; n < count; n++) {
    const context = await browser.newContext({ viewport: { width: 640, height: 480 } });
    const page = await context.newPage();
    page.setDefaultTimeout(SOON);
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(url);
    pages.push(page);
  }
  return { pages, complaints };
}

/** Puts a picture of the page into the documentation, if it is to be made. */
async function picture(page, name, flags) {
  if (!process.env.SCREENSHOTS || flags.length > 0) return;
  await mkdir(images, { recursive: true });
  await page.screenshot({ path: join(images, `example-${name}.png`) });
}

const texts = (page, selector, expected) =>
  retry(
    async () =>
      JSON.stringify(await page.locator(selector).allTextContents()) === JSON.stringify(expected),
    `${selector}: ${expected.join(", ")}`,
  );

const checks = {
  async chat([ada, bob], flags) {
    const join = async (page, name) => {
      await page.getByLabel("Your name").fill(name);
      await page.getByRole("button", { name: "Join" }).click();
    };
    await join(ada, "  ");
    await texts(ada, "#error", ["Enter a name."]);
    await join(ada, "Ada");
    await texts(ada, "#people li", ["Ada"]);
    await join(bob, "Ada");
    await texts(bob, "#error", ["Ada is taken."]);
    await join(bob, "Bob");
    for (const page of [ada, bob]) await texts(page, "#people li", ["Ada", "Bob"]);
    await texts(ada, "#messages li", ["Bob came"]);
    const say = async (page, text) => {
      await page.getByLabel("Message").fill(text);
      await page.getByLabel("Message").press("Enter");
    };
    await say(ada, "Hello Bob");
    await texts(bob, "#messages li", ["Ada came", "Ada: Hello Bob"]);
    await say(bob, "Hello Ada <b>");
    await texts(ada, "#messages li", ["Bob came", "Ada: Hello Bob", "Bob: Hello Ada <b>"]);
    await bob.getByLabel("Message").fill("How are");
    await texts(ada, "#typing", ["Bob is typing…"]);
    await picture(ada, "chat", flags);
    await bob.getByLabel("Message").fill("");
    await texts(ada, "#typing", [""]);
    await bob.getByLabel("Message").fill("I must");
    await texts(ada, "#typing", ["Bob is typing…"]);
    await bob.close();
    await texts(ada, "#people li", ["Ada"]);
    await texts(ada, "#typing", [""]);
    await texts(ada, "#messages li:last-child", ["Bob left"]);
  },

  async whiteboard([ada, bob, late], flags) {
    for (const page of [ada, bob]) await page.locator("body[data-ready]").waitFor();
    const stroke = async (page, points, color) => {
      await page.getByLabel("Color").fill(color);
      await page.mouse.move(...points[0]);
      await page.mouse.down();
      for (const point of points.slice(1)) await page.mouse.move(...point, { steps: 4 });
      await page.mouse.up();
    };
    // The color at a place of the page, as drawn on the canvas.
    const ink = (page, [x, y]) =>
      page.evaluate(([x, y]) => {
        const canvas = document.querySelector("canvas"), box = canvas.getBoundingClientRect();
        const at = (n, from, size, pixels) => Math.round((n - from) / size * pixels);
        const [r, g, b, a] = canvas.getContext("2d").getImageData(
          at(x, box.left, box.width, canvas.width),
          at(y, box.top, box.height, canvas.height),
          1,
          1,
        ).data;
        return a === 0 ? "" : `#${[r, g, b].map((n) => n.toString(16).padStart(2, "0")).join("")}`;
      }, [x, y]);
    const shows = (page, point, color) =>
      retry(async () => await ink(page, point) === color, `${color || "nothing"} at ${point}`);
    await stroke(ada, [[100, 120], [300, 120], [300, 300]], "#2557d6");
    await shows(bob, [200, 120], "#2557d6");
    await shows(bob, [300, 200], "#2557d6");
    await stroke(bob, [[100, 350], [400, 350]], "#e0592a");
    await shows(ada, [250, 350], "#e0592a");
    await retry(async () => {
      await bob.mouse.move(450 + Math.random() * 9, 240); // volatile: one may be lost
      return await ada.locator(".pointer").count() === 1;
    }, "the pointer of the other page");
    await picture(ada, "whiteboard", flags);
    await late.reload();
    await shows(late, [200, 120], "#2557d6");
    await shows(late, [250, 350], "#e0592a");
    await bob.close();
    await retry(async () => await ada.locator(".pointer").count() === 0, "no pointer");
    await ada.getByRole("button", { name: "Clear" }).click();
    for (const page of [ada, late]) await shows(page, [200, 120], "");
  },

  async todo([ada, bob], flags) {
    const add = async (page, title) => {
      await page.getByLabel("What is to do?").fill(title);
      await page.getByRole("button", { name: "Add" }).click();
    };
    await add(ada, " ");
    await texts(ada, "#error", ["Enter what is to do."]);
    await add(ada, "x".repeat(61));
    await texts(ada, "#error", ["Use at most 60 characters, not 61."]);
    await add(ada, "Buy milk");
    await texts(ada, "#error", [""]);
    for (const page of [ada, bob]) await texts(page, "li span", ["Buy milk"]);
    assert.equal(await ada.getByLabel("What is to do?").inputValue(), "");
    await add(bob, "Call Ada");
    for (const page of [ada, bob]) await texts(page, "li span", ["Buy milk", "Call Ada"]);
    await bob.getByRole("checkbox", { name: "Buy milk" }).check();
    await texts(ada, "li.done span", ["Buy milk"]);
    await picture(ada, "todo", flags);
    await ada.locator("li", { hasText: "Buy milk" }).getByTitle("Delete").click();
    for (const page of [ada, bob]) await texts(page, "li span", ["Call Ada"]);
    await ada.reload();
    await texts(ada, "li span", ["Call Ada"]);
  },
};

for (const [name, check] of Object.entries(checks)) {
  for (const [server, flags] of Object.entries(SERVERS)) {
    test(`${name} with ${server}`, TEST, async (t) => {
      const { pages, complaints } = await open(t, await start(t, name, flags), 3);
      await check(pages, flags);
      assert.deepEqual(complaints, []);
    });
  }

  test(`${name}: its handler has at most 60 lines, and its page no Roomcast code`, async () => {
    const files = ["handler.mjs", "listeners.mjs"];
    const code = await Promise.all(files.map((file) => readFile(join(examples, name, file), "utf8")));
    assert.ok(code.join("").split("\n").length <= 61);
    assert.doesNotMatch(await readFile(join(examples, name, "index.html"), "utf8"), /roomcast/i);
  });
}
