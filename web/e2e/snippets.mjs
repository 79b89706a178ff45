// The examples of the documentation: fenced blocks of a language that can be run. Words after the language say how:
// "browser" in a page of the server, "follow" without end, to be ended when it has shown what was sent to it, "serve"
// each line with "go run ." as a server of its own, "fragment" not at all, a file name as that file for later blocks.
// "sh" is a shell block that only its reader can run.

import { execFile, spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { deadline, SOON } from "./wait.mjs";

const root = join(import.meta.dirname, "..", "..");
const SHELLS = new Set(["bash", "sh"]);
const RUNNABLE = new Set(["bash", "js", "go", "python", "php"]);

/**
 * Reads the blocks of one page: {page, line, language, words, code, answer, events}. The block right after it says what
 * comes back: JSON an answer, one without a language events of a stream.
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
    blocks.push({ page, line: start, language, words, code: lines.slice(start, end).join("\n"), before });
    n = end;
  }
  for (const block of blocks) {
    if (block.language === "json" && block.before) block.before.answer = JSON.parse(block.code.replaceAll("…", ""));
    if (block.language === "" && block.before) block.before.events = eventsOf(block.code);
  }
  return blocks;
}

/** The events in the text of a stream: {event, keys, part}; with part, data has more keys than those. */
export function eventsOf(text) {
  return [...text.matchAll(/^event: (.*)\ndata: (.*)$/gm)].map(([, event, data]) => {
    const whole = data.replaceAll(",…", "");
    return { event, keys: Object.keys(JSON.parse(whole)).sort(), part: whole !== data };
  });
}

/** The commands of a shell block, of one line or continued by backslashes. */
export function commandsOf(code) {
  return code.match(/(?:.*\\\n)*.+/g);
}

/** The names of all pages. */
export async function pages() {
  const names = await readdir(join(root, "docs"));
  return ["README.md", ...names.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)];
}

/** Says what is no JavaScript module, or no shell script, in a block; "" when nothing is. */
export function mistakesOf({ language, code }) {
  const [command, ...args] = language === "js" ? [process.execPath, "--input-type=module", "--check"] : SHELLS.has(language) ? ["bash", "-n"] : ["true"];
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { timeout: SOON }, (error, _, stderr) => resolve(error ? stderr || error.message : ""));
    child.once("error", reject);
    child.stdin.on("error", () => {}); // it did not read to the end, and says why
    child.stdin.end(code);
  });
}

/** The blocks of a page that are programs. */
export async function programsOf(page) {
  return (await snippetsOf(page)).filter(({ language, words }) => RUNNABLE.has(language) && !words.includes("fragment"));
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
  async succeeded(ms = SOON) {
    const code = await deadline(this.done, ms, () => `the program's end; so far:\n${this.output}`);
    if (code !== 0) throw new Error(`it ended with ${code}:\n${this.output}`);
  }
}
