// Runs every program of the README and of most pages in docs/ unchanged, and parses all other
// scripts.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { oneBrowser } from "./browser.mjs";
import { connectSocket, openStream } from "./clients.mjs";
import { API_KEY, binaryPath, freePort, Server } from "./harness.mjs";
import {
  commandsOf,
  eventsOf,
  mistakesOf,
  pages,
  Program,
  programsOf,
  snippetsOf,
} from "./snippets.mjs";
import { BUILD, forEach, retry, SOON, TEST } from "./wait.mjs";

const openBrowser = oneBrowser();

const root = join(import.meta.dirname, "..", "..");
const JWT_SECRET = "0123456789abcdef0123456789abcdef";
// The pages with programs to run, and the AUTH_MODE of their server.
const PAGES = {
  "README.md": "open",
  "docs/backends.md": "open",
  "docs/clients.md": "open",
  "docs/migrating-from-socketio.md": "open",
  "docs/commands.md": "open",
  "docs/authentication.md": "token",
  "docs/sse.md": "open",
  "docs/socketio.md": "open",
};
const SHELL = ["-euo", "pipefail", "-c"];

/** Makes a directory with `roomcast` in it, and the environment that the pages describe. */
async function workshop(t, server, mode) {
  // Node finds the client packages from here; Go finds the module by the working directory.
  const directory = await mkdtemp(join(import.meta.dirname, ".docs-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await symlink(await binaryPath(), join(directory, "roomcast"));
  const { PATH, HOME, TMPDIR, GOCACHE, GOPATH, GOMODCACHE, GOFLAGS, GOPROXY } = process.env;
  const env = {
    PATH: directory + delimiter + PATH,
    HOME,
    TMPDIR,
    GOCACHE,
    GOPATH,
    GOMODCACHE,
    GOFLAGS,
    GOPROXY,
    ROOMCAST_URL: server.url,
    ROOMCAST_API_KEY: API_KEY,
    AUTH_MODE: mode,
    JWT_SECRET,
  };
  const { stdout } = await promisify(execFile)("roomcast", ["token", "u1", "--channel", "orders"], {
    env,
    timeout: SOON,
  });
  env.TOKEN = stdout.trim();
  return { directory, env };
}

/** Serves a stream in chunks of one byte. Resolves with the URL of the server. */
async function bytewise(t, stream) {
  const server = createServer(async (_, response) => {
    response.setHeader("Content-Type", "text/event-stream");
    for (const byte of Buffer.from(stream)) {
      response.write(Buffer.of(byte));
      await setImmediate();
    }
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${server.address().port}`;
}

/** Returns the text with the address of this server. */
function here(text, server) {
  return text.replaceAll("http://127.0.0.1:3000", server.url);
}

/** Starts a block as a program. */
async function start(t, { directory, env }, server, { language, words, code }) {
  const text = here(code, server);
  const save = async (name) => {
    await writeFile(join(directory, name), text);
    return join(directory, name);
  };
  switch (language) {
    case "bash":
      return new Program(t, "bash", [...SHELL, text], { env, cwd: directory });
    case "js":
      return new Program(t, process.execPath, [
        await save(words.find((word) => word.endsWith(".mjs")) ?? "program.mjs"),
      ], { env, cwd: directory });
    case "go": {
      // Built first, so that the time of the compiler does not count for the program.
      const binary = join(directory, "program");
      await new Program(t, "go", ["build", "-o", binary, await save("main.go")], { env, cwd: root })
        .succeeded(BUILD);
      return new Program(t, binary, [], { env, cwd: root });
    }
    case "python":
      return new Program(t, "python3", [await save("program.py")], { env, cwd: directory });
    case "php":
      return new Program(t, "php", [await save("program.php")], { env, cwd: directory });
  }
}

/** Starts the servers of a block, one after the other, with only the settings of the block. */
async function serve(t, { directory, env: { PATH, HOME, TMPDIR } }, { code }) {
  const commands = commandsOf(code);
  const starts = (command) => command.includes("go run .");
  for (const command of commands.filter(starts)) {
    const port = await freePort();
    const script = commands.filter((other) => other === command || !starts(other)).join("\n")
      .replace("go run .", "roomcast");
    const program = new Program(t, "bash", [...SHELL, script], {
      env: { PATH, HOME, TMPDIR, PORT: `${port}`, ADMIN_ADDR: "" },
      cwd: directory,
    });
    const ready = async () =>
      (await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(5000) })).ok
      && program.output.split("\n").find((line) =>
        line.endsWith("}") && line.includes('"listening"')
      );
    const said = await retry(ready, `the server of ${command}`).catch((error) =>
      assert.fail(`${error.message}:\n${program.output}`)
    );
    const [, mode, address] = /# (\w+), on (.*)$/.exec(command) ?? [];
    if (mode) {
      const listening = JSON.parse(said);
      assert.equal(listening.auth_mode, mode);
      assert.equal(
        listening.address.startsWith("127.0.0.1:"),
        address === "127.0.0.1",
        listening.address,
      );
    }
    await program.end();
  }
}

/** Runs a block in a page of the server. Its output is the console output of the page. */
async function startInPage(page, server, { code }) {
  const program = { output: "" };
  page.removeAllListeners("console");
  page.on("console", (message) => {
    program.output += `${message.text()}\n`;
  });
  await page.goto(server.url);
  await page.evaluate(`(async () => { ${here(code, server)}\n })()`);
  return program;
}

/** Sends until the client shows the number that is sent. */
function shown(program, server) {
  return retry(async () => {
    await server.publish({
      target: { user: "u1" },
      type: "payment:completed",
      data: { paymentId: "p1", amount: 9.99 },
    });
    return program.output.includes("9.99");
  }, () => `9.99 in the output of the program, which is:\n${program.output}`);
}

/**
 * Checks that the output of a stream has the events that the documentation shows after the block.
 */
function sameEvents(output, events) {
  const seen = eventsOf(output);
  for (const { event, keys, part } of events) {
    const found = seen.find((other) => other.event === event);
    assert.ok(found, `no event ${event} in\n${output}`);
    assert.deepEqual(part ? found.keys.filter((key) => keys.includes(key)) : found.keys, keys);
  }
}

test("every script of every page parses", TEST, async () => {
  const blocks = (await Promise.all((await pages()).map(snippetsOf))).flat();
  assert.ok(blocks.some(({ words }) => words.includes("fragment")));
  await forEach(
    blocks,
    availableParallelism(),
    async (block) => assert.equal(await mistakesOf(block), "", `${block.page}:${block.line}`),
  );
});

// Every form that the standard allows, byte by byte: a byte order mark, all line ends, several
// lines of data, values with and without a space, comments, and fields without a value.
const STREAM = [
  "\uFEFFretry:50\r\n:comment\r\nid: 1-1\r\nevent: x\r\n",
  'data: {"data":\r\ndata:[" a",\r\ndata\r\ndata: " b: 9.99"]}\r\n\r\n',
  'event:  y\rdata:{"data":\rdata: 8.88}\r\rdata: {"data": 7.77}\nunknown\n\n',
].join("");
const SHOWN = ["x 1-1 [ ' a', ' b: 9.99' ]", " y undefined 8.88", "message undefined 7.77"];

test("every reader of the pages reads what the standard allows", TEST, async (t) => {
  const url = await bytewise(t, STREAM);
  const blocks = (await Promise.all((await pages()).map(snippetsOf))).flat()
    .filter(({ language, code }) => language === "js" && /TextDecoder|getReader/.test(code));
  assert.ok(blocks.length > 0);
  for (const { page, line, code } of blocks) {
    const script = code.replaceAll("http://127.0.0.1:3000", url);
    const reader = new Program(t, process.execPath, ["--input-type=module", "-e", script]);
    await retry(
      () => SHOWN.every((text) => reader.stdout.split("\n").includes(text)),
      () => `all events in the output of ${page}:${line}, which is:\n${reader.output}`,
    );
    await reader.end();
  }
});

for (const [name, mode] of Object.entries(PAGES)) {
  test(name, TEST, async (t) => {
    const server = await Server.start(t, { AUTH_MODE: mode, JWT_SECRET });
    const place = await workshop(t, server, mode);
    const { TOKEN: token } = place.env;
    const { tape } = await connectSocket(t, server, {
      auth: { token, channels: ["orders"] },
      name: "u1",
    });
    const { connected } = await openStream(t, server, { token, channels: "orders" });
    place.env.CLIENT = connected.clientId;
    for (const data of [1, 2])
      await server.publish({ target: { user: "u1" }, type: "before", data });
    const programs = await programsOf(name);
    assert.ok(programs.length > 0);
    let page;
    if (programs.some(({ words }) => words.includes("browser"))) {
      const context = await (await openBrowser(t)).newContext({ bypassCSP: true });
      page = await context.newPage();
      // The application that issues tickets to the page.
      await page.route("**/my-application/ticket", async (route) => {
        const { json } = await server.post("/v1/tickets", { userId: "u1" }, {
          Authorization: `Bearer ${API_KEY}`,
        });
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
        if (block.words.includes("serve")) return serve(t, place, block);
        if (block.words.includes("follow")) {
          const parts = block.language === "bash" ? commandsOf(block.code) : [block.code];
          for (const code of parts) {
            const program = await start(t, place, server, { ...block, code });
            await shown(program, server);
            await program.end();
            if (block.events) sameEvents(program.stdout, block.events);
          }
          return;
        }
        const program = await start(t, place, server, block);
        await program.succeeded();
        if (block.answer)
          assert.deepEqual(
            Object.keys(JSON.parse(program.stdout)).sort(),
            Object.keys(block.answer).sort(),
          );
        if (/^eyJ\S+$/.test(program.stdout.trim()))
          await openStream(t, server, { token: program.stdout.trim() });
        // Programs that send, send to u1, to the channel orders or to all.
        if (/\/v1\/notifications|roomcast send/.test(block.code))
          await tape.until((items) => items.length > seen, "what the program sent");
      });
    }
  });
}
