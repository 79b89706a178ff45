// Gives headings the ids that GitHub gives them, so that a link to a heading works in both places.

/** Returns the id of a heading: letters, digits, `_` and `-` in lower case, `-` for each space. */
export function slugify(heading) {
  return heading.trim().toLowerCase().replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
    .replaceAll(" ", "-");
}

/** Returns the ids of all headings of a page; one that occurs again ends in `-1`, `-2` … */
export function anchors(text) {
  const counts = new Map(), all = new Set();
  for (const { code, part } of blocks(text)) {
    if (code) continue;
    for (const [, heading] of part.matchAll(/^#{1,6} +(.+?) *$/gm)) {
      const slug = slugify(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1"));
      const count = counts.get(slug) ?? 0;
      counts.set(slug, count + 1);
      all.add(count ? `${slug}-${count}` : slug);
    }
  }
  return all;
}

/** Splits a page into its fenced code and the text between. */
export function blocks(text) {
  const parts = text.split(/^((?: *)```[^\n]*\n[\s\S]*?^ *```$)/m);
  return parts.map((part, n) => ({ code: n % 2 === 1, part }));
}
