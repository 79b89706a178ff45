// A server with DATA_DIR.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, Server } from "./harness.mjs";
import { retry } from "./wait.mjs";

/** Starts a server with a directory of its own. */
export async function start(t, env = {}) {
  const directory = await mkdtemp(join(tmpdir(), "roomcast-data-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const admin = await freePort();
  const server = await Server.start(t, {
    DATA_DIR: directory,
    ADMIN_ADDR: `127.0.0.1:${admin}`,
    ...env,
  });
  /** Resolves when every session is on disk. */
  server.saved = () =>
    retry(async () => {
      const response = await fetch(`http://127.0.0.1:${admin}/metrics`);
      return (await response.text()).includes("\nroomcast_sessions_unsaved 0\n");
    }, "the sessions to be saved");
  return server;
}
