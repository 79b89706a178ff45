// A headless Chromium, and the console in it.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { after } from "node:test";
import { chromium } from "playwright-core";
import { API_KEY } from "./harness.mjs";
import { SOON } from "./wait.mjs";

const FLAGS = [
  "--headless",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Returns the path of the browser: CHROMIUM, or the first one on the PATH. */
export function executable() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const names = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome.exe",
  ];
  for (const directory of process.env.PATH.split(delimiter)) {
    for (const name of names) if (existsSync(join(directory, name))) return join(directory, name);
  }
  throw new Error("no chromium on the PATH: set CHROMIUM to its path");
}

/** Returns its flags. */
export function browserFlags() {
  const root = process.getuid?.() === 0; // the sandbox does not work for root
  return [...FLAGS, ...(root ? ["--no-sandbox"] : [])];
}

const launch = (flags) =>
  chromium.launch({
    executablePath: executable(),
    args: [...browserFlags(), ...flags],
    timeout: SOON,
  });

/** Starts a browser for one test. flags: additional flags. */
export async function openBrowser(t, flags = []) {
  const browser = await launch(flags);
  t.after(() => browser.close());
  return browser;
}

/**
 * Returns openBrowser for a file whose tests run one after the other. They share one browser, and
 * the contexts of a test close at its end. A file calls it at its top level.
 */
export function oneBrowser() {
  let launched;
  after(async () => (await launched)?.close());
  return async (t) => {
    const browser = await (launched ??= launch([]));
    t.after(() => Promise.all(browser.contexts().map((context) => context.close())));
    return browser;
  };
}

/** The console of a server in a tab. */
export class Console {
  /** Exceptions, failed loads and policy violations of the page. */
  errors = [];

  /**
   * view: the view to open. key: the API key; "" for none. The rest are options of the browser
   * context.
   */
  static async open(browser, server, { path = "/", view = "", key = API_KEY, ...options } = {}) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const page_ = new Console(page);
    await page.addInitScript(() => {
      window.breaches = [];
      document.addEventListener(
        "securitypolicyviolation",
        ({ violatedDirective, blockedURI }) =>
          window.breaches.push(`${violatedDirective}: ${blockedURI}`),
      );
    });
    await page.goto(`${server.url}${path}${key && `#key=${key}`}`);
    if (view) await page_.go(view);
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

  /** The visible view. */
  get view() {
    return this.page.locator("#main > .view:visible");
  }

  /** Opens a view by its name in the address, such as `try` or `connections?user=ann`. */
  async go(view) {
    await this.page.evaluate((hash) => {
      location.hash = hash;
    }, `#/${view}`);
    await this.page.locator(`#nav a[href="#/${view.split("?")[0]}"][aria-current=page]`).waitFor();
  }

  field(name) {
    return this.view.locator(`[name="${CSS(name)}"]:visible`).first();
  }

  button(name) {
    return this.view.getByRole("button", { name, exact: true });
  }

  /** Fills in the identity of the try-out. */
  async identify(values) {
    for (const [name, value] of Object.entries(values)) await this.field(name).fill(value);
  }

  /** Returns a side of the try-out: "socketio" or "sse". */
  side(id) {
    return new Side(this.page, id);
  }

  /** Joins a channel, in the try-out or the tail. */
  async join(channel) {
    await this.field("channel").fill(channel);
    await this.field("channel").press("Enter");
    await this.view.locator(".chips .chip", { hasText: channel }).waitFor();
  }

  /** Sends by the short form of the try-out. Resolves with the result that the page shows. */
  async send({ target, name = "", type = "note", data = "null" }) {
    const form = this.page.locator("#quick");
    await form.locator("[name=target]").selectOption(target);
    if (target !== "all") await form.locator("[name=name]").fill(name);
    await form.locator("[name=type]").fill(type);
    await form.locator("[name=data]").fill(data);
    await form.locator(".note").evaluate((note) => {
      note.textContent = "";
    });
    await form.locator("button.primary").click();
    const note = form.locator(".note", { hasNotText: /^(Sending…)?$/ });
    await note.waitFor();
    return note.textContent();
  }
}

/** One side of the try-out. */
class Side {
  constructor(page, id) {
    this.page = page;
    this.root = page.locator(`#${id}`);
    this.id = id;
  }

  async state(name) {
    await this.page.locator(`#${this.id}[data-state=${name}]`).waitFor();
  }

  async connect() {
    await this.do("connect");
    await this.live();
  }

  /** Waits until it is connected and shows its client id. */
  async live() {
    await this.state("connected");
    await this.root.locator("[data-of=client]", { hasNotText: "–" }).waitFor();
  }

  do(what) {
    return this.root.locator(`[data-do=${what}]`).click();
  }

  text(of) {
    return this.root.locator(`[data-of=${of}]`).textContent();
  }

  row(type, tag = "") {
    return rowOf(this.root, type, tag);
  }

  rows() {
    return rowsOf(this.root);
  }
}

/**
 * Waits for a row of that type in a log. Resolves with {id, type, tags, text}, with the text of the
 * closed row.
 */
export async function rowOf(root, type, tag = "") {
  const row = root.locator(`.event[data-type="${CSS(type)}"]${tag && `[data-tags*="${tag}"]`}`)
    .last();
  await row.waitFor({ state: "attached" });
  return row.evaluate((node) => ({
    ...node.dataset,
    text: node.querySelector(".data").textContent,
  }));
}

/** Resolves with all notifications in a log so far, as [type, id]. */
export function rowsOf(root) {
  return root.locator(".event:not(.control)").evaluateAll((rows) =>
    rows.map(({ dataset }) => [dataset.type, dataset.id])
  );
}

const CSS = (text) => text.replace(/["\\]/g, "\\$&");
