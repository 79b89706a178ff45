// The configurations of nginx, Caddy, Apache and HAProxy in docs/clients.md, unchanged. Without Apache
// or HAProxy on this machine their tests are skipped.

import assert from "node:assert/strict";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { connectSocket, openStream, TRANSPORTS } from "./clients.mjs";
import { freePort, Server } from "./harness.mjs";
import { Program, snippetsOf } from "./snippets.mjs";
import { retry, SOAK, TEST } from "./wait.mjs";

const APACHE_MODULES = process.env.APACHE_MODULES ?? "/usr/lib/apache2/modules";
const PROXIES = {
  nginx: {
    config: (block, directory) =>
      `daemon off; master_process off; pid ${directory}/pid; error_log stderr;
events {}
http {
access_log off;
${
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) =>
          `${kind}_temp_path ${directory}/${kind};`
        ).join(" ")
      }
${block}
}`,
    listen: (block, port) => block.replace("listen 8080;", `listen 127.0.0.1:${port};`),
    command: (file, directory) => ["nginx", "-p", directory, "-c", file],
  },
  caddyfile: {
    config: (block) => `{\n  admin off\n}\n${block}\n`,
    listen: (block, port) => block.replace("127.0.0.1:8080", `127.0.0.1:${port}`),
    command: (file) => ["caddy", "run", "--adapter", "caddyfile", "--config", file],
  },
  apache: {
    optional: true,
    config: (block, directory) =>
      `ServerRoot ${directory}
PidFile ${directory}/pid
DefaultRuntimeDir ${directory}
ErrorLog ${directory}/error
ServerName localhost
${
        ["mpm_event", "authz_core", "proxy", "proxy_http"].map((name) =>
          `LoadModule ${name}_module ${APACHE_MODULES}/mod_${name}.so`
        ).join("\n")
      }
${block}
`,
    listen: (block, port) => block.replace("127.0.0.1:8080", `127.0.0.1:${port}`),
    command: (file) => ["apache2", "-DFOREGROUND", "-f", file],
  },
  haproxy: {
    optional: true,
    config: (block) => `${block}\n`,
    listen: (block, port) => block.replace("127.0.0.1:8080", `127.0.0.1:${port}`),
    command: (file) => ["haproxy", "-db", "-f", file],
  },
};

const PATH = [process.env.PATH, "/usr/sbin"].join(delimiter);

/** Reports whether a program is on the path. */
async function isInstalled(name) {
  const found = await Promise.allSettled(
    PATH.split(delimiter).map((directory) => access(join(directory, name))),
  );
  return found.some(({ status }) => status === "fulfilled");
}

/**
 * Starts a proxy in front of a server for one test, with the block of that language in the page,
 * which change may change.
 */
async function startProxy(t, language, server, change = (block) => block) {
  const [{ code }] = (await snippetsOf("docs/clients.md")).filter((block) =>
    block.language === language
  );
  const { config, listen, command } = PROXIES[language];
  const directory = await mkdtemp(join(tmpdir(), "roomcast-proxy-"));
  const port = await freePort();
  const block = change(listen(code, port).replace("127.0.0.1:3000", `127.0.0.1:${server.port}`));
  assert.ok(
    block.includes(`${port}`) && block.includes(`${server.port}`),
    "the test did not find the addresses to replace in the page",
  );
  const file = join(directory, "config");
  await writeFile(file, config(block, directory));
  const [name, ...args] = command(file, directory);
  const program = new Program(t, name, args, {
    env: { PATH, HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
  });
  t.after(async () => {
    await program.end();
    await rm(directory, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  await retry(async () => {
    const died = await Promise.race([program.done.then(() => true), Promise.resolve(false)]);
    return died || (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) })).ok;
  }, `${name}, which says: ${program.output}`);
  assert.equal((await fetch(`${url}/readyz`)).status, 200, program.output);
  return { url };
}

for (const language of Object.keys(PROXIES)) {
  test(`docs/clients.md: ${language}`, TEST, async (t) => {
    const { optional, command } = PROXIES[language];
    const [program] = command("", "");
    if (optional && !await isInstalled(program)) return t.skip(`${program} is not installed`);
    // Without heartbeats no bytes follow an event, so a proxy that buffers never delivers it.
    const server = await Server.start(t, {
      TRUSTED_PROXIES: "127.0.0.1",
      SSE_HEARTBEAT_INTERVAL: "1h",
    });
    const proxy = await startProxy(t, language, server);
    const clients = [await openStream(t, proxy, { userId: "u1" }, { names: ["paid"] })];
    for (const transports of Object.values(TRANSPORTS))
      clients.push(await connectSocket(t, proxy, { transports, auth: { userId: "u1" } }));
    const { delivered } = await server.publish({
      target: { user: "u1" },
      type: "paid",
      data: { amount: 9.99 },
    });
    assert.equal(delivered, clients.length);
    for (const { tape } of clients) await tape.next("paid");
  });
}

test("a proxy that closes idle connections closes none", { timeout: 600_000 }, async (t) => {
  // Streams have their default heartbeat of 3 s. Pings of sockets must be more frequent than the
  // proxy's limit, which docs/clients.md says for the default of 25 s.
  const [limit, ping, ms] = SOAK ? [20, "15s", 300_000] : [5, "1s", 12_000];
  const server = await Server.start(t, { SOCKETIO_PING_INTERVAL: ping });
  const proxy = await startProxy(t, "nginx", server, (block) => {
    const changed = block.replace("proxy_read_timeout 90s", `proxy_read_timeout ${limit}s`);
    assert.notEqual(changed, block);
    return changed;
  });
  const clients = [await openStream(t, proxy, { userId: "u1" }, { names: ["paid"] })];
  for (const transports of Object.values(TRANSPORTS))
    clients.push(await connectSocket(t, proxy, { transports, auth: { userId: "u1" } }));
  await new Promise((resolve) => setTimeout(resolve, ms));
  await server.publish({ target: { user: "u1" }, type: "paid", data: {} });
  for (const { tape } of clients) {
    await tape.next("paid");
    assert.equal(tape.named("connected").length, 1, `${tape.name} was disconnected`);
  }
});
