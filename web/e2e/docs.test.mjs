// Every program in the pages for backends, clients, migration and commands is run as it stands there.

import assert from "node:assert/strict";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { openBrowser } from "./browser.mjs";
import { connectSocket } from "./clients.mjs";
import { API_KEY, binaryPath, Server } from "./harness.mjs";
import { Program, programsOf } from "./snippets.mjs";
import { retry } from "./wait.mjs";

const root = join(import.meta.dirname, "..", "..");
const JWT_SECRET = "0123456789abcdef0123456789abcdef";
const PAGES = ["backends.md", "clients.md", "migrating-from-socketio.md", "commands.md"];

/** A directory with `roomcast` in it, and the environment that the pages tell the reader to have. */
async function workshop(t, server) {
  // Node finds the client packages from here; Go finds the module by the working directory.
  const directory = await mkdtemp(join(import.meta.dirname, ".docs-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await symlink(await binaryPath(), join(directory, "roomcast"));
  const { PATH, HOME, TMPDIR, GOCACHE, GOPATH, GOMODCACHE, GOFLAGS, GOPROXY } = process.env;
  const env = {
    PATH: directory + delimiter + PATH, HOME, TMPDIR, GOCACHE, GOPATH, GOMODCACHE, GOFLAGS, GOPROXY,
    ROOMCAST_URL: server.url, ROOMCAST_KEY: API_KEY, AUTH_MODE: "open", JWT_SECRET,
  };
  return { directory, env };
}

/** Starts a block as a program, with the address of this server. */
async function start(t, { directory, env }, server, { language, code }) {
  const text = code.replaceAll("http://127.0.0.1:3000", server.url);
  const save = async (name) => {
    await writeFile(join(directory, name), text);
    return join(directory, name);
  };
  switch (language) {
    case "bash": return new Program(t, "bash", ["-euo", "pipefail", "-c", text], { env, cwd: tmpdir() });
    case "js": return new Program(t, process.execPath, [await save("program.mjs")], { env, cwd: directory });
    case "go": return new Program(t, "go", ["run", await save("main.go")], { env, cwd: root });
    case "python": return new Program(t, "python3", [await save("program.py")], { env, cwd: directory });
    case "php": return new Program(t, "php", [await save("program.php")], { env, cwd: directory });
  }
}

/** Runs a block in a page of the server. Its output is what it logs. */
async function startInPage(page, server, { code }) {
  const program = { output: "" };
  page.removeAllListeners("console");
  page.on("console", (message) => { program.output += `${message.text()}\n`; });
  await page.goto(server.url);
  await page.evaluate(`(async () => { ${code}\n })()`);
  return program;
}

/** Sends until what a client shows has the number that is sent. */
function shown(program, server) {
  return retry(async () => {
    await server.publish({ target: { user: "u1" }, type: "payment:completed", data: { paymentId: "p1", amount: 9.99 } });
    return program.output.includes("9.99");
  }, `9.99 in the output of the program, which is:\n${program.output}`, 20_000);
}

for (const name of PAGES) {
  test(`docs/${name}`, { timeout: 120_000 }, async (t) => {
    const server = await Server.start(t, { AUTH_MODE: "open", JWT_SECRET });
    const place = await workshop(t, server);
    const { tape } = await connectSocket(t, server, { auth: { userId: "u1", channels: ["orders"] }, name: "u1" });
    for (const data of [1, 2]) await server.publish({ target: { user: "u1" }, type: "before", data });
    const programs = await programsOf(name);
    assert.ok(programs.length > 0);
    let page;
    if (programs.some(({ words }) => words.includes("browser"))) {
      const context = await (await openBrowser(t)).newContext({ bypassCSP: true });
      page = await context.newPage();
      // The application that the page asks for a ticket.
      await page.route("**/my-application/ticket", async (route) => {
        const { json } = await server.post("/v1/tickets", { userId: "u1" }, { Authorization: `Bearer ${API_KEY}` });
        await route.fulfill({ json });
      });
    }
    for (const block of programs) {
      await t.test(`line ${block.line}, ${block.language}`, async (t) => {
        const seen = tape.items.length;
        if (block.words.includes("browser")) {
          const program = await startInPage(page, server, block);
          if (block.words.includes("follow")) await shown(program, server);
          else await retry(() => program.output !== "", "something from the page");
          return;
        }
        const program = await start(t, place, server, block);
        if (block.words.includes("follow")) {
          await shown(program, server);
          await program.end();
          return;
        }
        await program.succeeded();
        if (block.answer) assert.deepEqual(Object.keys(JSON.parse(program.stdout)).sort(), Object.keys(block.answer).sort());
        // Whatever sends, sends to u1, to the channel orders or to all.
        if (/\/v1\/notifications|roomcast send/.test(block.code)) await tape.until((items) => items.length > seen, "what the program sent");
      });
    }
  });
}
