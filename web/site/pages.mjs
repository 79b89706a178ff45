// Reads the pages that sidebar.json lists, and changes their links so that they lead to other pages
// of the site, or to the file in the repository.

import { readFileSync, statSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { anchors, blocks } from "./slug.mjs";

const here = import.meta.dirname;
const root = join(here, "..", "..");
const REPOSITORY = "https://github.com/roomcast/roomcast";

/** The topics, each with its pages: `file` in the repository, `page` on the site, title and text. */
export const topics = JSON.parse(readFileSync(join(here, "sidebar.json"), "utf8"));

/** Every page, by its file. */
const pages = new Map();
for (const { pages: listed } of topics)
  for (const [n, { file, page, title }] of listed.entries()) {
    const text = readFileSync(join(root, file), "utf8")
      .replace(/^<!-- .* -->\n+/gm, ""); // marks of the program that writes a table
    listed[n] = pageOf(file, page ?? file.replace(/^docs\//, ""), text);
    listed[n].title = title ?? text.match(/^# (.+)$/m)[1].replaceAll("`", "");
    pages.set(file, listed[n]);
  }

/** Returns a page: where it comes from, where it will be, its text and the ids of its headings. */
export function pageOf(file, page, text) {
  return { file, page, text, anchors: anchors(text) };
}

for (const [, title, file, description] of
  pages.get("README.md").text.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\) \| (.+) \|$/gm)) {
  const entry = pages.get(file);
  if (!entry) throw new Error(`README.md: ${file} is not in sidebar.json`);
  Object.assign(entry, { title, description });
}

/** Returns the target of a link of a page. `image` returns the address of a picture. */
function retarget(entry, target, image) {
  if (/^[a-z]+:/.test(target)) return target;
  const [path, anchor] = target.split("#");
  const file = path
    ? posix.normalize(posix.join(posix.dirname(entry.file), path)).replace(/\/$/, "")
    : entry.file;
  const to = pages.get(file);
  if (to) {
    if (anchor !== undefined && !to.anchors.has(anchor))
      throw new Error(`${entry.file}: ${target}: ${file} has no heading #${anchor}`);
    const relative = posix.relative(posix.dirname(entry.page), to.page);
    return (path ? relative : "") + (anchor === undefined ? "" : `#${anchor}`);
  }
  const stat = statSync(join(root, file), { throwIfNoEntry: false });
  if (!stat) throw new Error(`${entry.file}: ${target}: there is no file ${file}`);
  if (file.startsWith("docs/images/")) return image(file.slice("docs/".length));
  return `${REPOSITORY}/${stat.isDirectory() ? "tree" : "blob"}/main/${file}`;
}

/** Returns the text of a page with the links of the site. */
export function rewritten(entry, image) {
  return blocks(entry.text).map(({ code, part }) =>
    code ? part : part.replace(
      /(`+)[^`][\s\S]*?\1|\]\(([^)\s]+)\)|^(\[[^\]\n]+\]: )(\S+)$/gm,
      (all, tick, inline, name, reference) =>
        tick
          ? all
          : inline
          ? `](${retarget(entry, inline, image)})`
          : name + retarget(entry, reference, image),
    )
  ).join("");
}

/** Returns the way from the folder of a page to a file of the site. */
export function relative(entry, file) {
  return posix.relative(dirname(entry.page), file);
}
