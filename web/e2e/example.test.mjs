// The Next.js example in a browser, built unchanged, with Roomcast in front of it.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { API_KEY, builds, freePort, Server } from "./harness.mjs";
import { Program } from "./snippets.mjs";
import { BUILD, retry, SOON, TEST } from "./wait.mjs";

const web = join(import.meta.dirname, "..");
const example = join(web, "..", "examples", "nextjs");

/** Installs and builds the example with the current package. */
async function buildExample(t) {
  const env = { ...process.env, CI: "1" };
  const run = (cwd, ...args) => new Program(t, "npm", args, { cwd, env }).succeeded(BUILD);
  await builds();
  await run(example, "ci", "--prefer-offline");
  await run(example, "run", "build");
}

/** Starts the built example, whose backend sends to server. */
async function startExample(t, port, server) {
  const { PATH, HOME, TMPDIR, SystemRoot } = process.env;
  const env = {
    PATH,
    HOME,
    TMPDIR,
    SystemRoot,
    ROOMCAST_URL: server.url,
    ROOMCAST_API_KEY: API_KEY,
  };
  const program = new Program(t, "npm", ["start", "--", "--port", `${port}`], {
    cwd: example,
    env,
  });
  const url = `http://127.0.0.1:${port}`;
  const up = retry(
    async () => (await fetch(url, { signal: AbortSignal.timeout(SOON) })).ok,
    "the example",
  );
  const died = program.done.then((code) => {
    throw new Error(`it ended with ${code}`);
  });
  died.catch(() => {});
  await Promise.race([up, died]).catch((error) => {
    throw new Error(`${error.message}:\n${program.output}`);
  });
  return { url, program };
}

test(
  "the Next.js example follows its user's payments",
  { timeout: 3 * BUILD + TEST.timeout },
  async (t) => {
    await buildExample(t);
    const port = await freePort();
    const server = await Server.start(t, { UPSTREAM_URL: `http://127.0.0.1:${port}` });
    const app = await startExample(t, port, server);

    // The page as the server renders it, with the results of the backend functions.
    const render = async () =>
      /<main>.*<\/main>/.exec(await (await fetch(server.url)).text())[0].replaceAll("<!-- -->", "");
    const html = await render();
    assert.match(html, /<h1>Payments<\/h1>/);
    assert.match(html, /<output data-connected="false">connecting…<\/output>/);
    assert.match(html, /rendered this, 0 pages were connected/);

    const browser = await openBrowser(t);
    const context = await browser.newContext({
      viewport: { width: 720, height: 420 },
      colorScheme: "light",
    });
    const page = await context.newPage();
    page.setDefaultTimeout(SOON);
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on(
      "console",
      (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()),
    );
    const connected = (is) => page.locator(`output[data-connected=${is}]`).waitFor();
    const rows = page.locator("ol li strong");
    const shows = (...amounts) =>
      retry(
        async () => JSON.stringify(await rows.allTextContents()) === JSON.stringify(amounts),
        amounts.join(),
      );

    await page.goto(server.url);
    await connected(true);
    assert.match(await render(), /rendered this, 1 page was connected/);

    await page.getByRole("button", { name: "Pay" }).click();
    await shows("9.99 EUR");
    await page.getByLabel("Amount").fill("120");
    await page.getByRole("button", { name: "Pay" }).click();
    await shows("120.00 EUR", "9.99 EUR");
    assert.deepEqual(complaints, []);

    // The server restarts while the browser has no network, and the application sends a payment.
    await server.signal("SIGKILL");
    await connected(false);
    await context.setOffline(true);
    await server.up();
    const body = new FormData();
    body.set("amount", "7.5");
    const paid = await fetch(`${app.url}/api/pay`, {
      method: "POST",
      body,
      signal: AbortSignal.timeout(SOON),
    });
    assert.equal(paid.status, 200);
    assert.equal((await paid.json()).delivered, 0);
    await context.setOffline(false);
    await connected(true);
    await shows("7.50 EUR", "120.00 EUR", "9.99 EUR");

    if (process.env.SCREENSHOTS) {
      const images = join(web, "..", "docs", "images");
      await mkdir(images, { recursive: true });
      await page.screenshot({ path: join(images, "example.png") });
    }
    await page.close();
    await retry(
      async () => (await server.api("GET", "/v1/connections")).json.connections.length === 0,
      "the end of the page's connection",
    );
    assert.doesNotMatch(app.program.output, /error/i);
  },
);
