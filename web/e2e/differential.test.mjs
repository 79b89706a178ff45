// The same clients and the same handlers with socket.io on Node and with Roomcast, whose handlers are
// behind the event hook. The transcripts are equal, except in the scenarios that
// docs/compatibility.md lists.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { Server as NodeServer } from "socket.io";
import { register } from "./differential/handlers.mjs";
import { Hook, SECRET } from "./differential/hook.mjs";
import { HTTP } from "./differential/http.mjs";
import { RECOVERY, SCENARIOS, SINGLE } from "./differential/scenarios.mjs";
import { Stage } from "./differential/stage.mjs";
import { binaryPath, Server } from "./harness.mjs";
import { forEach, once, TEST } from "./wait.mjs";

const AT_ONCE = 12; // scenarios

/** What a run of a scenario is: its function, name, namespace and transports. */
function runsOf(scenarios, transports, prefix) {
  let n = 0;
  return Object.entries(scenarios).flatMap(([name, scenario]) =>
    transports.map((transport) => ({
      run: scenario.run ?? scenario,
      needs: scenario.needs,
      differs: scenario.differs,
      name: `${name} (${transport})`,
      transports: [transport],
      namespace: `/${prefix}${n++}`,
    }))
  );
}

const namespacesOf = (runs) =>
  runs.flatMap(({ namespace, run }) => [
    namespace,
    ...["second", "greets"].filter((name) => run.toString().includes(`"${name}"`))
      .map((name) => `${namespace}-${name}`),
  ]);

async function startNode(t, runs, posts, options) {
  const http = createServer((_, response) => response.writeHead(404).end());
  const server = new NodeServer(http, { serveClient: false, ...options });
  for (const namespace of namespacesOf(runs)) register(server.of(namespace), posts.connections);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  t.after(() => server.close());
  return `http://127.0.0.1:${http.address().port}`;
}

async function startRoomcast(t, runs, posts, env) {
  const hook = new Hook();
  await hook.start(t);
  for (const namespace of namespacesOf(runs)) register(hook.of(namespace), posts.connections);
  hook.server = await Server.start(t, {
    SOCKETIO_PRESET: "node",
    HOOK_SECRET: SECRET,
    HOOK_ALLOW_PRIVATE: "true",
    EVENTS_URL: namespacesOf(runs).map((namespace) => `${namespace}=${hook.url}`).join(","),
    MAX_ROOMS: "1000",
    ...(posts.connections && { EVENTS_CONNECTIONS: "true" }),
    ...(posts.connect && { AUTH_MODE: "hook", CONNECT_URL: hook.url }),
    ...env,
  });
  return hook.server.url;
}

/** Which requests the server has besides those for events. */
async function whatIsPosted() {
  const { stdout } = await promisify(execFile)(await binaryPath(), ["config"], { env: {} });
  return { connections: stdout.includes("EVENTS_CONNECTIONS"), connect: stdout.includes("CONNECT_URL") };
}

async function transcriptOf(url, { run, namespace, transports }) {
  const stage = new Stage(url, namespace, transports);
  try {
    await run(stage);
    return stage.transcript();
  } finally {
    stage.close();
  }
}

/** Runs scenarios with both servers and returns the names of those whose transcripts differ. */
async function compare(node, roomcast, runs) {
  const differences = new Map();
  await forEach(runs, AT_ONCE, async (run) => {
    const [theirs, ours] = await Promise.all(
      [node, roomcast].map((url) =>
        transcriptOf(url, run).catch((error) => `with ${url === node ? "Node" : "Roomcast"}: ${error.message}`)
      ),
    );
    try {
      assert.deepEqual(ours, theirs);
    } catch (error) {
      differences.set(run, error.message);
    }
  });
  return differences;
}

/** Fails when a scenario differs that is not listed, or is listed and does not differ. */
function check(runs, differences) {
  const wrong = runs.filter((run) => differences.has(run) !== Boolean(run.differs))
    .map((run) => `${run.name}: ${differences.get(run) ?? "does not differ"}`);
  assert.equal(wrong.join("\n\n"), "");
}

const possible = (runs, posts) => runs.filter(({ needs }) => !needs || posts[needs]);

test("handlers of a Node server behind the hook", TEST, async (t) => {
  const runs = [
    ...runsOf(SCENARIOS, ["websocket", "polling"], "a"),
    ...runsOf(SINGLE, ["websocket"], "b"),
  ];
  const posts = await whatIsPosted();
  const node = await startNode(t, runs, posts);
  const url = await startRoomcast(t, runs, posts);
  const able = possible(runs, posts);
  t.diagnostic(`${able.length} of ${runs.length} scenarios`);
  check(able, await compare(node, url, able));
});

test("connection state recovery", TEST, async (t) => {
  const runs = runsOf(RECOVERY, ["websocket", "polling"], "r");
  const posts = await whatIsPosted();
  const node = await startNode(t, runs, posts, { connectionStateRecovery: {} });
  const url = await startRoomcast(t, runs, posts, { SOCKETIO_RECOVERY: "true" });
  check(runs, await compare(node, url, runs));
});

test("requests without a client, and older clients", TEST, async (t) => {
  const root = [{ namespace: "/", run: () => {} }];
  const node = await startNode(t, root, {});
  const roomcast = await startRoomcast(t, root, {});
  const runs = Object.entries(HTTP).map(([name, scenario]) => ({
    name, run: scenario.run ?? scenario, differs: scenario.differs,
  }));
  const differences = new Map();
  await forEach(runs, AT_ONCE, async (run) => {
    const [theirs, ours] = await Promise.all([node, roomcast].map(run.run));
    try {
      assert.deepEqual(ours, theirs);
    } catch (error) {
      differences.set(run, error.message);
    }
  });
  check(runs, differences);
});

// docs/compatibility.md has a row for each scenario that differs, below the name of its difference.
test("docs/compatibility.md lists the differences", async () => {
  const page = await readFile(join(import.meta.dirname, "..", "..", "docs", "compatibility.md"), "utf8");
  const rows = page.matchAll(/^\| (.*?) ?\| .* \| `web\/e2e\/differential\/\w+\.mjs`: (.*) \|$/gm);
  const listed = {}, actual = {};
  let difference;
  for (const [, name, scenario] of rows) (listed[difference = name || difference] ??= []).push(scenario);
  for (const [name, { differs }] of Object.entries({ ...SCENARIOS, ...SINGLE, ...RECOVERY, ...HTTP }))
    if (differs) (actual[differs] ??= []).push(name);
  for (const names of [...Object.values(listed), ...Object.values(actual)]) names.sort();
  assert.deepEqual(listed, actual);
});
