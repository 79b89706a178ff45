// The examples of the documentation: fenced blocks of a language that can be run. Words after the language say how:
// "browser" in a page of the server, "follow" without end, to be ended when it has shown what was sent to it.

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { deadline } from "./wait.mjs";

const root = join(import.meta.dirname, "..", "..");
const RUNNABLE = new Set(["bash", "js", "go", "python", "php"]);

/** Reads the blocks of one page of docs/: {page, line, language, words, code, answer}; answer is the JSON block after it. */
export async function snippetsOf(page) {
  const lines = (await readFile(join(root, "docs", page), "utf8")).split("\n");
  const blocks = [];
  for (let n = 0; n < lines.length; n++) {
    const [, info] = /^```(\w.*|)$/.exec(lines[n]) ?? [];
    if (info === undefined) continue;
    const start = n + 1;
    const end = lines.indexOf("```", start);
    if (end < 0) throw new Error(`docs/${page}:${start}: the block has no end`);
    const [language, ...words] = info.split(" ");
    const before = lines[n - 1] === "```" ? blocks.at(-1) : undefined;
    blocks.push({ page, line: start, language, words, code: lines.slice(start, end).join("\n"), before });
    n = end;
  }
  for (const block of blocks) {
    if (block.language === "json" && block.before) block.before.answer = JSON.parse(block.code.replaceAll("…", ""));
  }
  return blocks;
}

/** The blocks of a page that are programs. */
export async function programsOf(page) {
  return (await snippetsOf(page)).filter(({ language }) => RUNNABLE.has(language));
}

/** A program of the documentation as a process. It has output, and resolves done with the exit code. */
export class Program {
  output = "";

  constructor(t, command, args, options) {
    // A group of its own: `go run` and bash have children.
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], detached: true, ...options });
    this.done = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    this.done.catch(() => {});
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => { this.output += text; });
    this.stdout = "";
    child.stdout.on("data", (text) => { this.stdout += text; });
    this.end = () => {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {} // it has ended
      return this.done.catch(() => {});
    };
    t.after(this.end);
  }

  /** Resolves when it has ended with 0. */
  async succeeded(ms = 60_000) {
    const code = await deadline(this.done, ms, () => `the program's end; so far:\n${this.output}`);
    if (code !== 0) throw new Error(`it ended with ${code}:\n${this.output}`);
  }
}
