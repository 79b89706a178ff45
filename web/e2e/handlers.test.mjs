// Runs every handler of docs/handlers.md unchanged: each lets the same clients in, refuses the same,
// answers the same event, and takes no request without a signature.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { connectSocket } from "./clients.mjs";
import { builds, freePort, Server } from "./harness.mjs";
import { SECRET } from "./hook.mjs";
import { Program, programsOf } from "./snippets.mjs";
import { BUILD, retry, SOON, TEST } from "./wait.mjs";

const root = join(import.meta.dirname, "..", "..");
const PAGE = "docs/handlers.md";

// Serves a module with fetch or POST, as the runtimes of Hono and Next.js do.
const RUNTIME = `
import { createServer } from "node:http";
import * as module from "./MODULE";
createServer(async (request, response) => {
  const { method, headers, url } = request;
  const body = method === "POST" ? { body: request, duplex: "half" } : {};
  const given = new Request("http://127.0.0.1" + url, { method, headers, ...body });
  const answer = await (module.POST ?? module.default.fetch)(given);
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(await answer.text());
}).listen(process.env.PORT, "127.0.0.1");
`;

before(() => builds(), { timeout: BUILD });

/** Starts the handler of a block. Resolves with its URL and its program. */
async function start(t, { language, words: [name], code }, modules) {
  // Node finds the packages from here.
  const directory = await mkdtemp(join(import.meta.dirname, ".docs-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  for (const module of [...modules, { words: [name], code }])
    await writeFile(join(directory, module.words[0]), module.code);
  await writeFile(join(directory, "serve.mjs"), RUNTIME.replace("MODULE", name));
  const file = join(directory, name), port = await freePort();
  const serves = /createServer|app\.listen/.test(code);
  const binary = join(directory, "handler");
  if (language === "go")
    await new Program(t, "go", ["build", "-o", binary, file], { cwd: root }).succeeded(BUILD);
  const [command, ...args] = {
    js: [process.execPath, serves ? file : join(directory, "serve.mjs")],
    php: ["php", "-S", `127.0.0.1:${port}`, file],
    python: ["python3", file],
    go: [binary],
  }[language];
  const program = new Program(t, command, args, {
    cwd: directory,
    env: { ...process.env, PORT: `${port}`, HOOK_SECRET: SECRET },
  });
  const url = `http://127.0.0.1:${port}/events`;
  const unsigned = () =>
    fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "webhook-id": "msg_1",
        "webhook-timestamp": `${Math.floor(Date.now() / 1000)}`, "webhook-signature": "v1,AAAA" },
      body: JSON.stringify({ type: "connect", data: { namespace: "/", auth: { name: "Eve" } } }),
      signal: AbortSignal.timeout(SOON),
    });
  const { status } = await retry(unsigned, () => `the handler:\n${program.output}`);
  assert.equal(status, 401, "the status of a request with a wrong signature");
  return { url, program };
}

/** Connects a client. Rejects with its refusal. */
const connect = (t, server, name) =>
  connectSocket(t, server, { name, auth: { name }, wait: "connect" });

const blocks = await programsOf(PAGE);
const isModule = ({ words: [name] }) => name === "listeners.mjs";

for (const block of blocks.filter((block) => !isModule(block))) {
  const [name] = block.words;
  test(`${PAGE}: ${name}`, TEST, async (t) => {
    const { url, program } = await start(t, block, blocks.filter(isModule));
    const server = await Server.start(t, {
      SOCKETIO_PRESET: "node",
      AUTH_MODE: "hook",
      HOOK_SECRET: SECRET,
      HOOK_ALLOW_PRIVATE: "true",
      CONNECT_URL: url,
      EVENTS_URL: url,
      EVENTS_CONNECTIONS: "true",
      WEBHOOK_URLS: name === "parts.mjs" ? url : "",
    });
    const refused = await connect(t, server, "").catch(({ refusal }) => refusal);
    assert.equal(refused.message, "Who are you?");
    if (!/listen\(io\)/.test(block.code)) assert.deepEqual(refused.data, { code: "name" });
    const [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => connect(t, server, name)));
    assert.equal(await ada.socket.timeout(SOON).emitWithAck("chat message", "hello"), "ok");
    await bob.tape.until((items) => items.length > 0, "the message");
    assert.deepEqual(bob.tape.items.map(({ name, args }) => [name, ...args]),
      [["chat message", "Ada", "hello"]]);
    bob.socket.emit("nobody handles this");
    assert.equal(await bob.socket.timeout(SOON).emitWithAck("chat message", "hi"), "ok");
    await ada.tape.until((items) => items.length > 0, "the answer");
    assert.deepEqual(ada.tape.items.map(({ args }) => args), [["Bob", "hi"]]);
    if (name === "parts.mjs") {
      const expected = (text) =>
        retry(() => program.output.includes(text), () => `${text} in:\n${program.output}`);
      await expected("Ada is online");
      await expected("Bob is online");
    }
  });
}

test(`${PAGE} has a handler for each of its languages`, () => {
  const names = blocks.map(({ words: [name] }) => name);
  assert.deepEqual(names, [
    "listeners.mjs", "node.mjs", "express.mjs", "hono.mjs", "next.mjs", "parts.mjs",
    "handler.php", "handler.py", "handler.go",
  ]);
});
