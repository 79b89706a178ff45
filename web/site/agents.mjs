// Writes the pages for programs that read Markdown: each page at its address with `.md`, a list of
// them in the format of https://llmstxt.org, and all of them in one file.

import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { relative, rewritten, topics } from "./pages.mjs";

/** Writes the Markdown files into `directory`; `url` is the address of the site, or its path. */
export function writeMarkdown(directory, url) {
  const whole = [];
  for (const entry of topics.flatMap(({ pages }) => pages)) {
    const text = rewritten(entry, (image) => relative(entry, image));
    const file = join(directory, entry.page);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    const top = { ...entry, page: basename(entry.page) }; // links from the folder of llms-full.txt
    const part = rewritten(top, (image) => relative(top, image)).trimEnd();
    whole.push(`<!-- ${url}${entry.page} -->\n\n${part}\n`);
  }
  writeFileSync(join(directory, "llms-full.txt"), whole.join("\n"));
  writeFileSync(join(directory, "llms.txt"), list(url));
}

function list(url) {
  const home = topics[0].pages[0];
  const [, first] = home.text.match(/^# .+\n\n([\s\S]+?)\n\n/);
  const lines = [
    "# Roomcast",
    "",
    `> ${first.replaceAll("\n", " ")}`,
    "",
    `Each page is also HTML at its address without \`.md\`. All pages in one file: ${url}llms-full.txt.`,
    "A running server describes its HTTP API at `/openapi.json`.",
  ];
  const add = (entries) => {
    for (const { page, title, description } of entries)
      lines.push(`- [${title}](${url}${page})${description ? `: ${description}` : ""}`);
  };
  for (const { topic, pages } of topics.filter(({ optional }) => !optional)) {
    lines.push("", `## ${topic}`, "");
    add(pages);
  }
  lines.push("", "## Optional", ""); // the format gives this name to what a reader may skip
  add(topics.filter(({ optional }) => optional).flatMap(({ pages }) => pages));
  return `${lines.join("\n")}\n`;
}
