// The examples of the documentation: fenced blocks in a language that runs. Words after the
// language select how: "browser" runs in a page of the server; "follow" runs until it has shown a
// notification; "serve" starts each line with "go run ." as a server; "fragment" does not run; a
// file name stores the block for later blocks. Shell blocks of the language "sh" do not run.

import { execFile, spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { deadline, SOON } from "./wait.mjs";

const root = join(import.meta.dirname, "..", "..");
const SHELLS = new Set(["bash", "sh"]);
const RUNNABLE = new Set(["bash", "js", "go", "python", "php"]);

/**
 * Reads the blocks of one page: {page, line, language, words, code, answer, events}. The next block
 * shows the result: an answer in JSON, or the events of a stream in a block without a language.
 */
export async function snippetsOf(page) {
  const lines = (await readFile(join(root, page), "utf8")).split("\n");
  const blocks = [];
  for (let n = 0; n < lines.length; n++) {
    const [, info] = /^```(\w.*|)$/.exec(lines[n]) ?? [];
    if (info === undefined) continue;
    const start = n + 1;
    const end = lines.indexOf("```", start);
    if (end < 0) throw new Error(`${page}:${start}: the block has no end`);
    const [language, ...words] = info.split(" ");
    const before = lines[n - 1] === "```" ? blocks.at(-1) : undefined;
    blocks.push({
      page,
      line: start,
      language,
      words,
      code: lines.slice(start, end).join("\n"),
      before,
    });
    n = end;
  }
  for (const block of blocks) {
    if (block.language === "json" && block.before)
      block.before.answer = JSON.parse(block.code.replaceAll("…", ""));
    if (block.language === "" && block.before) block.before.events = eventsOf(block.code);
  }
  return blocks;
}

/** Returns the events in the text of a stream: {event, keys, part}. part: data has further keys. */
export function eventsOf(text) {
  return [...text.matchAll(/^event: (.*)\ndata: (.*)$/gm)].map(([, event, data]) => {
    const whole = data.replaceAll(",…", "");
    return { event, keys: Object.keys(JSON.parse(whole)).sort(), part: whole !== data };
  });
}

/** Returns the commands of a shell block: one line each, or several that backslashes join. */
export function commandsOf(code) {
  return code.match(/(?:.*\\\n)*.+/g);
}

/** Resolves with the names of all pages. */
export async function pages() {
  const names = await readdir(join(root, "docs"));
  return [
    "README.md",
    ...names.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
  ];
}

/** Resolves with the syntax errors of a JavaScript module or shell script; "" without any. */
export function mistakesOf({ language, code }) {
  const [command, ...args] = language === "js"
    ? [process.execPath, "--input-type=module", "--check"]
    : SHELLS.has(language)
    ? ["bash", "-n"]
    : ["true"];
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      { timeout: SOON },
      (error, _, stderr) => resolve(error ? stderr || error.message : ""),
    );
    child.once("error", reject);
    child.stdin.on("error", () => {}); // it ended before it had read everything
    child.stdin.end(code);
  });
}

/** Resolves with the blocks of a page that run. */
export async function programsOf(page) {
  return (await snippetsOf(page)).filter(({ language, words }) =>
    RUNNABLE.has(language) && !words.includes("fragment")
  );
}

/** A program as a process, with its output. done resolves with the exit code. */
export class Program {
  output = "";

  constructor(t, command, args, options) {
    // In a process group, because `go run` and bash have children.
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      ...options,
    });
    this.done = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    this.done.catch(() => {});
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => {
        this.output += text;
      });
    this.stdout = "";
    child.stdout.on("data", (text) => {
      this.stdout += text;
    });
    this.end = () => {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {} // it has ended
      return this.done.catch(() => {});
    };
    t.after(this.end);
  }

  /** Resolves when it ends with 0. */
  async succeeded(ms = SOON) {
    const code = await deadline(
      this.done,
      ms,
      () => `the end of the program; its output so far:\n${this.output}`,
    );
    if (code !== 0) throw new Error(`it ended with ${code}:\n${this.output}`);
  }
}
