// Builds the programs that the tests start, before the first test.

import { build } from "../../e2e/harness.mjs";

export default async function setup() {
  if (process.env.ROOMCAST_BINARIES) return undefined; // another project has built them
  const { directory, remove } = await build();
  process.env.ROOMCAST_BINARIES = directory;
  return remove;
}
