// Over HTTP/1.1 a browser opens six connections to a host, so a seventh stream waits forever. Over
// HTTP/2, which needs TLS, all streams share one connection.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { openBrowser } from "./browser.mjs";
import { Server } from "./harness.mjs";
import { BUILD, Tape, TEST } from "./wait.mjs";

const run = promisify(execFile);
const TABS = 8;

/**
 * Makes a certificate for 127.0.0.1 with the generator of the Go distribution, in a directory that
 * the test removes.
 */
async function certificate(t) {
  const directory = await mkdtemp(join(tmpdir(), "roomcast-tls-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const { stdout: root } = await run("go", ["env", "GOROOT"]);
  const program = join(root.trim(), "src", "crypto", "tls", "generate_cert.go");
  await run("go", ["run", program, "--host", "127.0.0.1,localhost", "--ecdsa-curve", "P256"], {
    cwd: directory,
    timeout: BUILD,
  });
  return { TLS_CERT_FILE: join(directory, "cert.pem"), TLS_KEY_FILE: join(directory, "key.pem") };
}

test(`${TABS} tabs of one user over HTTP/2`, TEST, async (t) => {
  const env = await certificate(t);
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"; // in this process only, for the certificate above
  const server = await Server.start(t, env, { scheme: "https" });
  const browser = await openBrowser(t, ["--ignore-certificate-errors"]);
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const tapes = [];
  for (let tab = 0; tab < TABS; tab++) {
    const page = await context.newPage();
    const tape = new Tape(`tab ${tab}`);
    tapes.push(tape);
    await page.exposeFunction("received", (name, data) => tape.push({ name, data: JSON.parse(data) }));
    await page.goto(server.url);
    await page.evaluate(() => {
      const source = new EventSource("/sse?userId=ann&as=message");
      for (const name of ["connected", "message"])
        source.addEventListener(name, (event) => window.received(name, event.data));
    });
    await tape.next("connected");
    const protocol = await page.evaluate(() =>
      performance.getEntriesByType("navigation")[0].nextHopProtocol
    );
    assert.equal(protocol, "h2");
  }
  const { delivered, users } = await server.publish({
    target: { user: "ann" },
    type: "note",
    data: 1,
  });
  assert.deepEqual([delivered, users], [TABS, 1]);
  for (const tape of tapes) assert.equal((await tape.next("message")).data.type, "note");
});
