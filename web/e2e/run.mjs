// Builds the programs once and runs every test file with them: `npm test`, or `npm test -- console`
// for the files with "console" in their name. With --client it also runs the tests of the npm
// package, at the same time. E2E_RACE=1 builds with the race detector.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { build } from "./harness.mjs";

const here = import.meta.dirname;
const vitest = join(here, "../node_modules/vitest/vitest.mjs");
const client = process.argv.includes("--client");
const wanted = process.argv.slice(2).filter((word) => word !== "--client");
const files = (await readdir(here)).filter((name) => name.endsWith(".test.mjs"))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
if (files.length === 0) {
  console.error(`no test file has ${wanted.join(" or ")} in its name`);
  process.exit(2);
}
const { directory, remove } = await build();
const env = { ...process.env, ROOMCAST_BINARIES: directory };
const children = [];
for (const signal of ["SIGINT", "SIGTERM"])
  process.on(signal, () => children.forEach((child) => child.kill(signal)));

/** Runs a script with Node. later: print its output when it ends. Resolves with its exit code. */
async function run(cwd, args, later = false) {
  const stdio = later ? ["ignore", "pipe", "pipe"] : "inherit";
  const child = spawn(process.execPath, args, { cwd, stdio, env });
  children.push(child);
  const output = [];
  for (const stream of later ? [child.stdout, child.stderr] : [])
    stream.on("data", (part) => output.push(part));
  const [code] = await once(child, "close");
  process.stdout.write(Buffer.concat(output));
  return code ?? 1;
}

// Two files at a time: most of a test is a wait, and a burst should not compete with many others.
const codes = await Promise.all([
  run(here, ["--test", "--test-concurrency=2", ...files]),
  client && run(join(here, "../client"), [vitest, "run"], true),
]);
await remove();
process.exitCode = codes.find((code) => code) || 0;
