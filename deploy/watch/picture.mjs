// Makes docs/images/dashboard.png: starts the server and a Prometheus that scrapes it, puts load on
// the server, and draws the dashboard with what Prometheus has then. It needs go, prometheus and
// chromium.
//
//   node deploy/watch/picture.mjs [seconds]

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createWeb } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { draw } from "./draw.mjs";
import { Load } from "./load.mjs";

const root = join(import.meta.dirname, "..", "..");
const run = promisify(execFile);
const seconds = Number(process.argv[2] ?? 180);
const key = "watch-key-0123456789abcdef0123456789";

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Waits until a URL answers with 200. */
async function ready(url) {
  for (const end = Date.now() + 60_000;;) {
    const response = await fetch(url).catch(() => null);
    if (response?.ok) return;
    if (Date.now() > end) throw new Error(`${url} does not answer`);
    await sleep(100);
  }
}

const directory = await mkdtemp(join(tmpdir(), "roomcast-watch-"));
const children = [];
let load;
let others; // a collector of traces, and a receiver of webhooks
try {
  const binary = join(directory, "roomcast");
  await run("go", ["build", "-o", binary, "."], { cwd: root, timeout: 600_000 });
  const [port, admin, web] = [await freePort(), await freePort(), await freePort()];
  const start = (program, args, env = {}) => {
    const child = spawn(program, args, {
      cwd: directory,
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "inherit"],
    });
    child.on("error", (error) => console.error(`${program}: ${error.message}`));
    children.push(child);
  };
  others = createWeb((_, response) => response.end()).listen(0, "127.0.0.1");
  await once(others, "listening");
  const other = `http://127.0.0.1:${others.address().port}`;
  start(binary, [], {
    TRACES: "on", TRACES_RATIO: "0.1", OTEL_EXPORTER_OTLP_ENDPOINT: other,
    WEBHOOK_URLS: `${other}/webhooks`, HOOK_SECRET: "a-secret-of-the-picture-0123456789",
    PORT: port, ADMIN_ADDR: `127.0.0.1:${admin}`, API_KEYS: key, DATA_DIR: join(directory, "data"),
    PUBLISH_RATE: "0",
  });
  await writeFile(
    join(directory, "prometheus.yml"),
    `global: { scrape_interval: 1s }
rule_files: [${join(root, "deploy/watch/roomcast.rules.yml")}]
scrape_configs: [{ job_name: roomcast, static_configs: [{ targets: ["127.0.0.1:${admin}"] }] }]\n`,
  );
  start("prometheus", [
    "--config.file=prometheus.yml", `--web.listen-address=127.0.0.1:${web}`,
    "--storage.tsdb.path=tsdb", "--log.level=error",
  ]);
  await ready(`http://127.0.0.1:${admin}/readyz`);
  await ready(`http://127.0.0.1:${web}/-/ready`);
  const begun = Date.now() / 1000;
  load = new Load(`http://127.0.0.1:${port}`, key);
  await load.run(seconds);
  const dashboard = JSON.parse(
    await readFile(join(import.meta.dirname, "roomcast-dashboard.json"), "utf8"),
  );
  const { svg, width, height, empty } = await draw(dashboard, {
    prometheus: `http://127.0.0.1:${web}`,
    range: { start: begun, end: begun + seconds - 1, step: Math.max(1, Math.round(seconds / 120)) },
    variables: { __rate_interval: "10s", job: "roomcast", instance: ".*" },
  });
  const page = join(directory, "dashboard.svg");
  await writeFile(page, svg);
  const png = join(root, "docs", "images", "dashboard.png");
  await run(process.env.CHROMIUM ?? "chromium", [
    "--headless", "--no-sandbox", "--hide-scrollbars", `--user-data-dir=${join(directory, "browser")}`,
    `--window-size=${width},${Math.ceil(height)}`, `--screenshot=${png}`, `file://${page}`,
  ], { timeout: 120_000 });
  console.log(`${png}\nwithout data: ${empty.join(", ") || "none"}`);
} finally {
  load?.stop(); // if something else has failed
  others?.close();
  others?.closeAllConnections();
  for (const child of children) {
    if (child.exitCode === null && child.signalCode === null && child.pid) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
  }
  await rm(directory, { recursive: true, force: true });
}
