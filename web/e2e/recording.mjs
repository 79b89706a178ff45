// Makes docs/images/recording.svg: runs the program in three terminals, and draws what they print.
// Ids, times and lengths of waits are replaced by fixed ones, so that another run makes the same
// file. Each step waits for what it has to print, so the pace of the machine does not show.

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { draw } from "./animation.mjs";
import { API_KEY, binaryPath, freePort } from "./harness.mjs";
import { retry, SOON } from "./wait.mjs";

const SECONDS = 60, KEY_STROKE = 0.035;
const [SERVER, CLIENT, BACKEND] = ["server", "client", "backend"];

/** What each terminal types, and the lines that must follow before the next step. */
const STEPS = [
  { pane: SERVER, type: ["roomcast --data-dir data"], until: { [SERVER]: [/listening/] } },
  { pane: CLIENT, type: ["roomcast tail --user ann"], until: { [CLIENT]: [/^# connected/] } },
  {
    pane: BACKEND,
    type: [
      String.raw`curl $ROOMCAST_URL/v1/notifications -H "Authorization: Bearer $ROOMCAST_API_KEY" \ `
        .trimEnd(),
      `  --json '{"target": {"user": "ann"}, "type": "payment:completed", "data": {"amount": 9.99}}'`,
    ],
    until: { [BACKEND]: [/"delivered":1,/], [CLIENT]: [/payment:completed/], [SERVER]: [/POST/] },
  },
  { pane: SERVER, kill: true, until: { [CLIENT]: [/^# lost/] } },
  { pane: SERVER, type: ["roomcast --data-dir data"], until: { [SERVER]: [/listening/] } },
  {
    pane: BACKEND, // while the client waits before it reconnects
    type: [
      "roomcast send --user ann order:created '{\"orderId\": 17}'",
      "roomcast send --user ann order:paid '{\"orderId\": 17}'",
    ],
    separate: true,
    until: { [BACKEND]: [/-2  connections 0/, /-3  connections 0/], [SERVER]: [/POST/, /POST/] },
  },
  {
    pane: CLIENT,
    wait: 3,
    until: { [CLIENT]: [/^# connected/, /order:created/, /order:paid/, /^# recovery.*"replayed":2,/] },
  },
];

/** Replaces what differs from run to run. clock: the time in the recording. */
function fixed(text, clock) {
  const time = `12:00:${String(Math.floor(clock)).padStart(2, "0")}`;
  return text.replaceAll("\t", " ")
    .replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z/, `2026-12-01T${time}.000Z`)
    .replace(/(?<=^\S+ {2})\d\d:\d\d:\d\d/, time)
    .replace(/"version": "[^"]*"/, '"version": "0.1.0"')
    .replace(/127\.0\.0\.1:\d+/, "127.0.0.1:3000")
    .replace(/"(clientId|socketId)":"[^"]+"/g, '"$1":"q3Xb7mJ0sPZfK2vLd9Wc"')
    .replace(/reconnecting in [\d.]+m?s/, "reconnecting in 2.4s")
    .replace(/\b[0-9a-f]{8}(?=-\d+\b)/g, "5f3a9c01");
}

const kindOf = (text) =>
  /^#|^\d{4}-/.test(text) ? "dim" : /^\S+-\d+ {2}\d\d:/.test(text) ? "good" : "";

/** Runs all steps in a new directory. Resolves with the lines of the recording. */
async function record() {
  const directory = await mkdtemp(join(tmpdir(), "roomcast-recording-"));
  await mkdir(join(directory, "data"));
  const port = await freePort();
  const env = {
    PATH: dirname(await binaryPath()) + delimiter + process.env.PATH,
    HOME: directory,
    PORT: `${port}`,
    ADMIN_ADDR: "off",
    LOG_FORMAT: "console",
    API_KEYS: API_KEY,
    ROOMCAST_API_KEY: API_KEY,
    ROOMCAST_URL: `http://127.0.0.1:${port}`,
  };
  const printed = { [SERVER]: [], [CLIENT]: [], [BACKEND]: [] };
  const running = new Set(), lines = [];
  let clock = 1, server;

  const run = (pane, command) => {
    const child = spawn("bash", ["-c", `exec ${command}`], { cwd: directory, env });
    running.add(child);
    child.once("exit", () => running.delete(child));
    for (const stream of [child.stdout, child.stderr]) {
      let rest = "";
      stream.setEncoding("utf8").on("data", (text) => {
        const all = (rest + text).split("\n");
        rest = all.pop();
        printed[pane].push(...all.filter((line) => line && !/ % |Dload|--:--/.test(line)));
      }).on("end", () => rest && printed[pane].push(rest));
    }
    return child;
  };
  /** Waits until the lines are printed, and takes them, in their order, from what is printed. */
  const take = async (until) => {
    for (const [pane, wanted] of Object.entries(until)) {
      let rest;
      await retry(() => {
        rest = [...wanted];
        for (const line of printed[pane]) if (rest[0]?.test(line)) rest.shift();
        return rest.length === 0;
      }, () => `${rest[0]} in\n${printed[pane].join("\n")}`, SOON);
      for (const text of printed[pane].splice(0))
        lines.push({ pane, text: fixed(text, clock), kind: kindOf(text), at: clock += 0.3 });
    }
  };
  try {
    for (const { pane, type = [], separate, kill, wait = 0, until } of STEPS) {
      clock += wait;
      if (kill) {
        server.kill("SIGKILL");
        lines.push({ pane, text: "Killed", kind: "bad", at: clock += 1 });
        clock += 0.5;
      }
      const commands = separate ? type.map((line) => [line]) : type.length ? [type] : [];
      for (const [n, command] of commands.entries()) {
        for (const [row, line] of command.entries()) {
          const text = (row ? "> " : "$ ") + line, typing = text.length * KEY_STROKE;
          lines.push({ pane, text, kind: "typed", at: clock, typing });
          clock += typing + 0.2;
        }
        const child = run(pane, command.join("\n"));
        if (pane === SERVER) server = child;
        if (separate) await take({ [pane]: [until[pane][n]] });
      }
      await take(separate ? { ...until, [pane]: [] } : until);
      clock += 2.5;
    }
  } finally {
    for (const child of running) child.kill("SIGKILL");
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
  return lines;
}

const lines = await record();
const end = Math.max(...lines.map(({ at }) => at));
if (end > SECONDS - 8) throw new Error(`the recording takes ${end} s of ${SECONDS}`);
const svg = draw({
  title: "A server, a client and a backend: the server is killed, and the client misses nothing",
  panes: [SERVER, CLIENT, BACKEND],
  lines,
  seconds: SECONDS,
});
const file = join(import.meta.dirname, "..", "..", "docs", "images", "recording.svg");
await writeFile(file, svg);
console.log(`${file}: ${svg.length} bytes, ${Math.ceil(end)} s and a rest until ${SECONDS} s`);
