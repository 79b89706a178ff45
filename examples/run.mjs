// Runs an example: `node run.mjs chat` behind Roomcast, `node run.mjs chat --node` with a Socket.IO
// server of Node. ROOMCAST_BINARY is the path of a built server.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";

const here = import.meta.dirname;
const [name, flag] = process.argv.slice(2);
if (!["chat", "whiteboard", "todo"].includes(name)) {
  console.error("usage: node run.mjs chat|whiteboard|todo [--node]");
  process.exit(2);
}

const port = process.env.PORT ?? "3000", behind = process.env.HANDLER_PORT ?? "3001";
const programs = [];

function start(command, args, env, cwd = here) {
  const program = spawn(command, args, { cwd, stdio: "inherit", env: { ...process.env, ...env } });
  program.on("exit", (code) => stop(code ?? 1));
  program.on("error", (error) => {
    console.error(`${command}: ${error.message}`);
    stop(1);
  });
  programs.push(program);
}

function stop(code) {
  for (const program of programs) program.kill();
  process.exitCode = code;
}
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stop(0));

if (flag === "--node") {
  start(process.execPath, [`${name}/node-server.mjs`], { PORT: port });
} else {
  const HOOK_SECRET = randomBytes(32).toString("hex");
  start(process.execPath, [`${name}/handler.mjs`], { PORT: behind, HOOK_SECRET });
  const handler = `http://127.0.0.1:${behind}`;
  const { ROOMCAST_BINARY } = process.env;
  const [command, ...args] = ROOMCAST_BINARY ? [ROOMCAST_BINARY] : ["go", "run", "."];
  start(command, args, {
    PORT: port,
    HOOK_SECRET,
    UPSTREAM_URL: handler, // the page
    EVENTS_URL: `${handler}/events`,
    EVENTS_CONNECTIONS: "true",
    SOCKETIO_PRESET: "node", // the defaults of a Node server
    SOCKETIO_CLIENT: fileURLToPath(new URL("../../dist", import.meta.resolve("socket.io-client"))),
  }, `${here}/..`);
}
console.log(`open http://127.0.0.1:${port}`);
