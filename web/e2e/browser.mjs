// A headless Chromium and the console page in it.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";
import { API_KEY } from "./harness.mjs";
import { SOON } from "./wait.mjs";

const FLAGS = ["--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

/** The browser to use: CHROMIUM, or the first on the PATH. */
export function executable() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome.exe"];
  for (const directory of process.env.PATH.split(delimiter)) {
    for (const name of names) if (existsSync(join(directory, name))) return join(directory, name);
  }
  throw new Error("no chromium on the PATH: set CHROMIUM to its path");
}

/** Its command line. */
export function browserFlags() {
  const root = process.getuid?.() === 0; // its sandbox refuses to work for root
  return [...FLAGS, ...(root ? ["--no-sandbox"] : [])];
}

/** Starts a browser for one test. flags: more of its command line. */
export async function openBrowser(t, flags = []) {
  const browser = await chromium.launch({ executablePath: executable(), args: [...browserFlags(), ...flags], timeout: 60_000 });
  t.after(() => browser.close());
  return browser;
}

/** The console of a server in a tab of its own. */
export class Console {
  errors = []; // what the page complained about: exceptions, refused loads, breaches of the policy

  static async open(browser, server, { path = "/", ...options } = {}) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const page_ = new Console(page);
    await page.addInitScript(() => {
      window.breaches = [];
      document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => window.breaches.push(`${violatedDirective}: ${blockedURI}`));
    });
    await page.goto(`${server.url}${path}#key=${API_KEY}`);
    return page_;
  }

  constructor(page) {
    this.page = page;
    page.setDefaultTimeout(SOON);
    page.on("pageerror", (error) => this.errors.push(error.message));
    page.on("console", (message) => message.type() === "error" && this.errors.push(message.text()));
    page.on("dialog", (dialog) => {
      this.errors.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
  }

  async breaches() {
    return [...this.errors, ...await this.page.evaluate(() => window.breaches)];
  }

  async identify(values) {
    for (const [name, value] of Object.entries(values)) await this.page.fill(`#who [name=${name}]`, value);
  }

  side(id) {
    return new Side(this.page, id);
  }

  async join(channel) {
    await this.page.fill("#channel", channel);
    await this.page.press("#channel", "Enter");
    await this.page.locator("#channels li", { hasText: channel }).waitFor();
  }

  /** Fills in the form, sends it and returns what the page says of it. */
  async send({ target, name = "", type = "note", data = "null", volatile = false }) {
    const { page } = this;
    await page.selectOption("[name=target]", target);
    if (target !== "all") await page.fill("#send [name=name]", name);
    await page.fill("#send [name=type]", type);
    await page.fill("#send [name=data]", data);
    await page.setChecked("#send [name=volatile]", volatile);
    await page.evaluate(() => { document.getElementById("send-note").textContent = ""; });
    await page.click("#send button.primary");
    const note = page.locator("#send-note", { hasNotText: /^(Sending…)?$/ });
    await note.waitFor();
    return note.textContent();
  }
}

/** One of the two streams of the page: "websocket" or "sse". */
class Side {
  constructor(page, id) {
    this.page = page;
    this.root = page.locator(`#${id}`);
  }

  async state(name) {
    await this.page.locator(`#${await this.root.getAttribute("id")}[data-state=${name}]`).waitFor();
  }

  async connect() {
    await this.do("connect");
    await this.live();
  }

  /** Waits until it is connected and has its client id. */
  async live() {
    await this.state("live");
    await this.root.locator("[data-of=client]", { hasNotText: "–" }).waitFor();
  }

  do(what) {
    return this.root.locator(`[data-do=${what}]`).click();
  }

  text(of) {
    return this.root.locator(`[data-of=${of}]`).textContent();
  }

  /** Waits for a row of that type and returns {id, type, tags, text}. */
  async row(type, tag = "") {
    const row = this.root.locator(`.row[data-type="${CSS(type)}"]${tag && `[data-tags*="${tag}"]`}`).last();
    await row.waitFor({ state: "attached" });
    return row.evaluate(({ dataset, lastElementChild }) => ({ ...dataset, text: lastElementChild.textContent }));
  }

  /** All rows of notifications so far, as [type, id]. */
  rows() {
    return this.root.locator(".row:not(.control)").evaluateAll((rows) => rows.map(({ dataset }) => [dataset.type, dataset.id]));
  }
}

const CSS = (text) => text.replace(/["\\]/g, "\\$&");
