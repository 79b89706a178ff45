// The pages of the site without its generator: links, ids of headings, and the Markdown for
// programs. The generator is not installed here; `make site` builds everything.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writeMarkdown } from "../site/agents.mjs";
import { pageOf, rewritten, topics } from "../site/pages.mjs";
import { anchors, slugify } from "../site/slug.mjs";

const pages = topics.flatMap(({ pages }) => pages);

test("every link of every page leads to a page, a heading, a picture or a file", () => {
  for (const entry of pages) rewritten(entry, (image) => image);
});

test("headings have the ids of GitHub", () => {
  assert.equal(slugify("`as`: one event, `a_b` & more"), "as-one-event-a_b--more");
  const text = "# One\n\n```sh\n# not a heading\n```\n\n## [Two](x.md)\n\n## Two\n";
  assert.deepEqual([...anchors(text)], ["one", "two", "two-1"]);
});

test("a link leads to the page of the site, or to the file in the repository", () => {
  const links = (file, text) => rewritten(pageOf(file, "x.md", text), (image) => `/${image}`);
  assert.equal(links("docs/x.md", "[a](sse.md) [`b`](../README.md#settings)"),
    "[a](sse.md) [`b`](index.md#settings)");
  assert.equal(links("README.md", "![p](docs/images/proof.svg)"), "![p](/images/proof.svg)");
  assert.match(links("docs/x.md", "[c](../go.mod)"), /\]\(https:.*\/blob\/main\/go\.mod\)$/);
  const code = "`[a](nothing.md)`\n\n```md\n[a](nothing.md)\n```\n";
  assert.equal(links("docs/x.md", code), code);
  assert.throws(() => links("docs/x.md", "[a](nothing.md)"), /docs\/x\.md: nothing\.md: there is no/);
  assert.throws(() => links("docs/x.md", "[a](sse.md#no)"), /docs\/sse\.md has no heading #no/);
});

test("llms.txt lists every page, and llms-full.txt has them", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "roomcast-site-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  writeMarkdown(directory, "https://docs.example.org/");
  const list = await readFile(join(directory, "llms.txt"), "utf8");
  const whole = await readFile(join(directory, "llms-full.txt"), "utf8");
  assert.match(list, /^# Roomcast\n\n> One Go binary [^\n]+\n\n/);
  const listed = [...list.matchAll(/^- \[[^\]]+\]\(https:\/\/docs\.example\.org\/([^)]+)\)/gm)];
  assert.deepEqual(listed.map(([, page]) => page), pages.map(({ page }) => page));
  for (const { page } of pages) {
    const text = await readFile(join(directory, page), "utf8");
    assert.ok(text.startsWith("# "), page);
    if (!page.includes("/")) assert.ok(whole.includes(text.trimEnd()), page);
  }
  // A link in llms-full.txt leads to a page from there, whatever folder its own page has.
  for (const [, to] of whole.replace(/```[\s\S]*?```/g, "").matchAll(/\]\(([^)\s:]+\.md)[^)\s]*\)/g))
    assert.ok(pages.some(({ page }) => page === to), to);
});
