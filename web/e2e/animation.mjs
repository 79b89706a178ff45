// Draws an animated SVG of terminals from a list of lines with times. It has no script and no font,
// its colours follow the reader's, and without animation it shows the end.

const WIDTH = 104, LINE = 18, COLUMN = 7.3, EDGE = 14, TITLE = 26;

const STYLE = `
svg{--back:#fff;--bar:#eef1f4;--text:#1f2328;--dim:#59636e;--good:#116329;--bad:#a40e26;--edge:#d1d9e0}
@media(prefers-color-scheme:dark){svg{--back:#0d1117;--bar:#1c2129;--text:#e6edf3;--dim:#9198a1;--good:#56d364;--bad:#ff7b72;--edge:#3d444d}}
rect{fill:var(--back);stroke:var(--edge)}.bar{fill:var(--bar)}
text{fill:var(--text);font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}
.name{font-weight:600}.dim{fill:var(--dim)}.good{fill:var(--good)}.bad{fill:var(--bad)}.typed{font-weight:600}
@media(prefers-reduced-motion:reduce){text{animation:none!important}}`;

const escape = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Returns a text that is not wider than a terminal. */
const cut = (text) => text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text;

/**
 * Returns the SVG. panes: the names of the terminals, from the top. lines: {pane, text, kind, at,
 * typing}, times in seconds; a line with typing appears letter by letter. The animation starts again
 * after `seconds`.
 */
export function draw({ title, panes, lines, seconds }) {
  const parts = [], frames = [];
  const percent = (time) => `${Number((time / seconds * 100).toFixed(2))}%`;
  const width = Math.round(WIDTH * COLUMN + 2 * EDGE);
  let top = 0.5;
  for (const pane of panes) {
    const own = lines.filter((line) => line.pane === pane);
    const height = TITLE + own.length * LINE + EDGE;
    parts.push(
      `<rect x=".5" y="${top}" width="${width - 1}" height="${height}" rx="6"/>`,
      `<rect class="bar" x=".5" y="${top}" width="${width - 1}" height="${TITLE - 4}" rx="6"/>`,
      `<text class="name" x="${EDGE}" y="${top + 15.5}">${escape(pane)}</text>`,
    );
    for (const [n, { text, kind, at, typing = 0 }] of own.entries()) {
      const name = `k${frames.length}`;
      frames.push(
        typing
          ? `@keyframes ${name}{0%,${percent(at)}{clip-path:inset(0 100% 0 0);animation-timing-function:steps(${text.length})}${
            percent(at + typing)
          },100%{clip-path:inset(0)}}`
          : `@keyframes ${name}{0%,${percent(at)}{opacity:0;animation-timing-function:step-end}${
            percent(at + 0.05)
          },100%{opacity:1}}`,
      );
      const y = top + TITLE + n * LINE + 13.5;
      parts.push(
        `<text class="${kind}" x="${EDGE}" y="${y}" style="animation:${name} ${seconds}s infinite">${
          escape(cut(text))
        }</text>`,
      );
    }
    top += height + 8;
  }
  const height = Math.round(top - 7.5);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escape(title)}</title>
<style>${STYLE}
${frames.join("\n")}
</style>
${parts.join("\n")}
</svg>
`;
}
