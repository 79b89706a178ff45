// Builds the programs of the tests, before the first test.

import { build } from "../../e2e/harness.mjs";

export default async function setup() {
  if (process.env.ROOMCAST_BINARIES) return undefined; // built by another project
  const { directory, remove } = await build();
  process.env.ROOMCAST_BINARIES = directory;
  return remove;
}
