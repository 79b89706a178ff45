// The server under test: built from the repository, started as a process, stopped by its process
// id.

import { execFile, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join, sep } from "node:path";
import { promisify } from "node:util";
import { deadline, retry, SOON } from "./wait.mjs";

const root = join(import.meta.dirname, "..", "..");

/** The API key of every server that starts here. */
export const API_KEY = "e2e-key-0123456789abcdef0123456789abcdef";

/** The programs that tests start, as packages of the repository. The first one is the server. */
const PROGRAMS = [".", "./web/e2e/emitter"];

const run = promisify(execFile);

/**
 * Builds the npm package and, into a new temporary directory, all programs. A test runner does this
 * once, before its tests, and passes the directory to them in ROOMCAST_BINARIES. On a busy machine a
 * build takes minutes, longer than the deadlines in the tests; and a build of the package removes
 * what other tests use.
 */
export async function build() {
  const directory = await mkdtemp(join(tmpdir(), "roomcast-e2e-"));
  const remove = () => rm(directory, { recursive: true, force: true });
  const flags = process.env.E2E_RACE === "1" ? ["-race"] : [];
  try {
    await run("go", ["build", ...flags, "-o", directory + sep, ...PROGRAMS], {
      cwd: root,
      timeout: 600_000,
    });
    await run("npm", ["run", "build", "--workspace", "client"], {
      cwd: join(root, "web"),
      timeout: 600_000,
    });
  } catch (error) {
    await remove();
    throw new Error(`${error.cmd}: ${error.stderr || error.message}`);
  }
  return { directory, remove };
}

let built; // for a test file without a runner

/** Builds what tests use, unless their runner has. Resolves with the directory of the programs. */
export async function builds() {
  if (process.env.ROOMCAST_BINARIES) return process.env.ROOMCAST_BINARIES;
  built ??= build().then((result) => {
    process.once("exit", () => rmSync(result.directory, { recursive: true, force: true }));
    return result;
  });
  return (await built).directory;
}

/** Returns the path of a program's binary. */
export async function binaryPath(program = ".") {
  const directory = await builds();
  const name = program === "." ? "roomcast" : basename(program); // the name that `go build` gives
  return join(directory, process.platform === "win32" ? `${name}.exe` : name);
}

/**
 * Returns a TCP port that is free, and that no other test of this run gets. It is below the range of
 * outgoing connections: on a busy machine one of them could take a port of that range before the
 * server listens on it, or while the server restarts.
 */
export async function freePort() {
  const directory = join(await builds(), "ports");
  await mkdir(directory, { recursive: true });
  for (;;) {
    const port = 16_384 + Math.floor(Math.random() * 16_384);
    try {
      await writeFile(join(directory, `${port}`), "", { flag: "wx" });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      continue;
    }
    if (await isFree(port)) return port;
  }
}

function isFree(port) {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error) => error.code === "EADDRINUSE" ? resolve(false) : reject(error));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

export class Server {
  output = "";
  program = ".";
  #process = null;
  #exit;

  /**
   * Starts a server, and stops it at the end of the test. env: settings besides HOST, PORT and
   * API_KEYS.
   */
  static async start(t, env = {}, { scheme = "http" } = {}) {
    const server = new Server(env, await freePort(), scheme);
    t.after(() => server.stop());
    await server.up();
    return server;
  }

  /** Starts a server that the caller stops. program: another program of the repository. */
  static async run(env = {}, program = ".") {
    const server = new Server(env, await freePort(), "http");
    server.program = program;
    await server.up();
    return server;
  }

  constructor(env, port, scheme) {
    this.env = env;
    this.port = port;
    this.url = `${scheme}://127.0.0.1:${port}`;
  }

  /** Starts the process and waits until it is ready. */
  async up() {
    const binary = await binaryPath(this.program);
    // Without the settings of the developer: only what a process needs, and the settings of the
    // test.
    const { PATH, HOME, TMPDIR, SystemRoot } = process.env;
    const env = {
      PATH,
      HOME,
      TMPDIR,
      SystemRoot,
      HOST: "127.0.0.1",
      PORT: `${this.port}`,
      API_KEYS: API_KEY,
      ADMIN_ADDR: "",
      ...this.env,
    };
    const child = spawn(binary, [], { env, stdio: ["ignore", "pipe", "pipe"], cwd: tmpdir() });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => {
        this.output += text;
      });
    this.#exit = new Promise((resolve) => {
      child.once("error", (error) => resolve({ code: null, signal: null, error }));
      child.once("close", (code, signal) => resolve({ code, signal })); // after all output was read
    });
    const died = this.#exit.then(({ code, signal, error }) => {
      throw new Error(`the server ended (${error ?? signal ?? code}):\n${this.output}`);
    });
    died.catch(() => {}); // the process may end later
    await Promise.race([
      died,
      retry(
        async () => (await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(5000) })).ok,
        "/readyz",
      ),
    ]);
  }

  /** Sends a signal. Resolves with {code, signal, ms} when the process ends. */
  async signal(name) {
    const start = performance.now();
    this.#process.kill(name);
    const exit = await deadline(this.#exit, SOON, `the end of the process after ${name}`);
    this.#process = null;
    return { ...exit, ms: performance.now() - start };
  }

  /** Kills the process without waiting, for callers that are about to exit. */
  kill() {
    this.#process?.kill("SIGKILL");
  }

  /** Resolves with {code, signal} when the process ends by itself. */
  async ended() {
    const exit = await deadline(this.#exit, SOON, "the end of the process");
    this.#process = null;
    return exit;
  }

  /** Kills the process, if it still runs. Throws when its output shows a panic or a data race. */
  async stop() {
    if (this.#process) await this.signal("SIGKILL");
    const trouble = /WARNING: DATA RACE|^panic: |^fatal error: |goroutine \d+ \[running\]/m
      .exec(this.output);
    if (trouble)
      throw new Error(`the server's output has ${JSON.stringify(trouble[0])}:\n${
        this.output.slice(trouble.index, trouble.index + 4000)
      }`);
  }

  /**
   * Publishes one notification, or an array. Resolves with the reply; throws for any status except
   * 200.
   */
  async publish(body) {
    const { status, json } = await this.post("/v1/notifications", body, {
      Authorization: `Bearer ${API_KEY}`,
    });
    if (status !== 200) throw new Error(`publish: ${status} ${JSON.stringify(json)}`);
    return json;
  }

  /**
   * Calls a route of the HTTP API. Resolves with {status, json}; json is undefined without a body.
   */
  async api(method, path, body) {
    const headers = {
      Authorization: `Bearer ${API_KEY}`,
      ...(body !== undefined && { "Content-Type": "application/json" }),
    };
    const response = await fetch(this.url + path, {
      method,
      headers,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(SOON),
    });
    const text = await response.text();
    return { status: response.status, json: text ? JSON.parse(text) : undefined };
  }

  /** Posts JSON. Resolves with {status, json}. */
  async post(path, body, headers = {}) {
    const response = await fetch(this.url + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(SOON),
    });
    return { status: response.status, json: await response.json() };
  }
}
