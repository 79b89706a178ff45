// Builds the programs once and runs every test file with them: `npm test`, or `npm test -- console`
// for the files with "console" in their name. E2E_RACE=1 builds with the race detector.

import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { build } from "./harness.mjs";

const here = import.meta.dirname;
const wanted = process.argv.slice(2);
const files = (await readdir(here)).filter((name) => name.endsWith(".test.mjs"))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
if (files.length === 0) {
  console.error(`no test file has ${wanted.join(" or ")} in its name`);
  process.exit(2);
}
const { directory, remove } = await build();
// Two files at a time: most of a test is a wait, and a burst should not compete with many others.
const runner = spawn(process.execPath, ["--test", "--test-concurrency=2", ...files], {
  cwd: here,
  stdio: "inherit",
  env: { ...process.env, ROOMCAST_BINARIES: directory },
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => runner.kill(signal));
runner.on("exit", async (code, signal) => {
  await remove();
  process.exit(signal ? 1 : code);
});
