// The statistics of a cluster in the console.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { test } from "node:test";
import { Console, openBrowser } from "./browser.mjs";
import { connectSocket } from "./clients.mjs";
import { freePort, Server } from "./harness.mjs";
import { TEST } from "./wait.mjs";

const redis = ["redis-server", "valkey-server"].find((name) =>
  spawnSync(name, ["--version"]).status === 0
);

test("the statistics show the nodes", { ...TEST, skip: !redis && "no Redis" }, async (t) => {
  const alone = await Server.start(t);
  const browser = await openBrowser(t);
  const single = await Console.open(browser, alone, { view: "stats" });
  await single.view.getByText("Open mode").waitFor();
  assert.equal(await single.view.getByRole("heading", { name: "Nodes" }).isVisible(), false);

  const port = await freePort();
  const store = spawn(redis, ["--port", port, "--save", "", "--bind", "127.0.0.1"], {
    stdio: "ignore",
  });
  t.after(() => store.kill());
  const REDIS_URL = `redis://127.0.0.1:${port}`;
  const nodes = await Promise.all([1, 2].map(() => Server.start(t, { REDIS_URL })));
  await connectSocket(t, nodes[0], { auth: { userId: "ann" } });
  await connectSocket(t, nodes[1], { auth: { userId: "bob" } });
  const page = await Console.open(browser, nodes[1], { view: "stats" });
  const rows = page.view.getByRole("table", { name: "Nodes" }).locator("tbody tr");
  await rows.nth(1).waitFor();
  assert.equal(await rows.count(), 2);
  for (const row of await rows.all())
    assert.equal(await row.locator("[data-label=Connections]").textContent(), "1");
  const total = page.view.locator(".tile", { hasText: "Connections" }).locator(".value").first();
  assert.equal(await total.textContent(), "2");
  assert.deepEqual(await page.breaches(), []);
});
