// Builds the site into `dist`. A link that leads nowhere fails the build.

import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "vitepress";
import { address } from "./address.mjs";
import { writeMarkdown } from "./agents.mjs";
import { rewritten, topics } from "./pages.mjs";

const here = import.meta.dirname;
const pages = join(here, "pages");

rmSync(pages, { recursive: true, force: true });
for (const entry of topics.flatMap(({ pages }) => pages)) {
  const file = join(pages, entry.page);
  mkdirSync(dirname(file), { recursive: true });
  // From the top of the site, because the pictures are files that the build copies as they are.
  writeFileSync(file, rewritten(entry, (image) => `/${image}`));
}
const files = join(pages, "public");
cpSync(join(here, "..", "..", "docs", "images"), join(files, "images"), { recursive: true });
cpSync(join(here, "..", "console", "public", "icon.svg"), join(files, "icon.svg"));
await build(here);
writeMarkdown(join(here, "dist"), address);
