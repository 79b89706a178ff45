// A Redis server of its own for a test: on a free port, with its files in a temporary directory.

import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createClient } from "redis";
import { freePort } from "./harness.mjs";
import { deadline, retry, SOON } from "./wait.mjs";

const run = promisify(execFile);

/**
 * Returns the name of the program. Without one it is undefined, and where CI is set in the
 * environment it throws.
 */
export async function redisProgram() {
  for (const program of ["redis-server", "valkey-server"])
    if (await run(program, ["--version"]).catch(() => {})) return program;
  if (process.env.CI) throw new Error("redis-server is missing; .ci/deps says how to install it");
}

export class Redis {
  output = "";
  #process = null;
  #exit;
  #clients = new Set();
  #keeps = false; // the data, in a file

  /** Starts a server that stop() ends. */
  static async start() {
    const redis = new Redis(await redisProgram());
    redis.directory = await mkdtemp(join(tmpdir(), "roomcast-redis-"));
    await redis.#up(true);
    redis.client = await redis.connect();
    return redis;
  }

  constructor(program) {
    this.program = program;
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  /**
   * Returns a connected client of the redis package, which stop() disconnects. name: that of its
   * connections.
   */
  async connect(name = "test") {
    const client = createClient({
      url: this.url,
      name,
      socket: { reconnectStrategy: () => this.#process ? 50 : new Error("the server is stopped") },
    });
    client.on("error", () => {}); // it connects again
    this.#clients.add(client);
    await deadline(client.connect(), SOON, "the connection to Redis");
    return client;
  }

  async #up(first = false) {
    const end = performance.now() + SOON;
    do {
      if (first) this.port = await freePort(); // another process can be faster
      if (await this.#run()) return;
    } while (performance.now() < end);
    throw new Error(`${this.program} does not start:\n${this.output}`);
  }

  /** Starts the process. Resolves with whether it is the one that answers on the port. */
  async #run() {
    const settings = {
      port: this.port,
      bind: "127.0.0.1",
      dir: this.directory,
      save: "",
      appendonly: this.#keeps ? "yes" : "no",
      // everysec acknowledges what is not written yet, while an earlier fsync runs.
      appendfsync: "always",
      "maxmemory-policy": "noeviction",
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    const child = spawn(this.program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: this.directory,
    });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => {
        this.output += text;
      });
    this.#process = child;
    this.#exit = new Promise((resolve) => {
      child.once("error", resolve);
      child.once("close", resolve);
    });
    const probe = async () => {
      const client = createClient({ url: this.url, socket: { reconnectStrategy: false } });
      client.on("error", () => {});
      await client.connect();
      const info = await client.info("server").finally(() => client.disconnect());
      return info.includes(`process_id:${child.pid}\r`);
    };
    const ended = this.#exit.then(() => false);
    return Promise.race([ended, retry(probe, "Redis")]);
  }

  /** Kills the process, as kill -9 does. */
  async kill() {
    this.#process?.kill("SIGKILL");
    await deadline(this.#exit, SOON, "the end of Redis");
  }

  /** Kills the process, and starts it again on the same port, with its data. */
  async restart() {
    if (!this.#keeps) await this.client.configSet("appendonly", "yes");
    this.#keeps = true;
    const done = /aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r/;
    await retry(async () => done.test(await this.client.info("persistence")), "the file");
    await this.kill();
    await this.#up();
  }

  /** Kills the process, and removes its files and clients. */
  async stop() {
    const child = this.#process;
    this.#process = null;
    child?.kill("SIGKILL");
    await deadline(this.#exit, SOON, "the end of Redis");
    await Promise.all([...this.#clients].map((client) => client.disconnect().catch(() => {})));
    await rm(this.directory, { recursive: true, force: true });
  }

  flush() {
    return this.client.flushAll();
  }

  /** Appends an entry with these fields. Resolves with its id. */
  append(fields, name = "socket.io") {
    return this.client.xAdd(name, "*", fields);
  }

  /** Resolves with the entries of a stream, [{id, message}]. */
  stream(name = "socket.io") {
    return this.client.xRange(name, "-", "+");
  }
}
