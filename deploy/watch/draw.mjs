// Draws the panels of the dashboard as one SVG, with the answers of Prometheus to their queries.
// Grafana draws them in another way; this is for the documentation, and to see that each query has
// an answer.

const WIDTH = 1440; // pixels
const COLUMN = WIDTH / 24; // the grid of Grafana
const ROW = 26;
const COLOURS = [
  "#3866b5", "#d9822b", "#2f8f5b", "#b03a48", "#7a56a8", "#8a6d3b", "#4f9fb0", "#c264a0",
];

/**
 * Returns the SVG. range: {start, end, step} in seconds. variables: names and values for the
 * queries.
 */
export async function draw(dashboard, { prometheus, range, variables }) {
  const panels = await Promise.all(dashboard.panels.map(async (panel) => {
    const answers = await Promise.all(panel.targets.map(async (target) => {
      const series = await ask(prometheus, fill(target.expr, variables), range);
      return series.map(({ metric, values }) => ({
        name: name(target.legendFormat, metric),
        points: values.map(([time, value]) => [time, Number(value)])
          .filter(([, v]) => Number.isFinite(v)),
      }));
    }));
    return { ...panel, series: answers.flat().filter((s) => s.points.length > 0) };
  }));
  const height = Math.max(...panels.map(({ gridPos: g }) => g.y + g.h)) * ROW + 44;
  const body = panels.map((panel) => draw1(panel, range)).join("\n");
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}"
  viewBox="0 0 ${WIDTH} ${height}" font-family="DejaVu Sans, sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#f4f5f7"/>
<text x="12" y="26" font-size="17" font-weight="600" fill="#1f2430">${escape(dashboard.title)}</text>
<g transform="translate(0 36)">${body}</g></svg>\n`;
  const empty = panels.filter((p) => !p.series.length).map((p) => p.title);
  return { svg, height, width: WIDTH, empty };
}

function fill(expr, variables) {
  return Object.entries(variables).sort(([a], [b]) => b.length - a.length).reduce(
    (text, [key, value]) => text.replaceAll(`$${key}`, value),
    expr,
  );
}

async function ask(prometheus, query, { start, end, step }) {
  const url = new URL("/api/v1/query_range", prometheus);
  url.search = new URLSearchParams({ query, start, end, step });
  const answer = await (await fetch(url, { signal: AbortSignal.timeout(10_000) })).json();
  if (answer.status !== "success") throw new Error(`${query}: ${answer.error}`);
  return answer.data.result;
}

function name(format, labels) {
  return format.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? "");
}

function draw1(panel, range) {
  const { x, y, w, h } = panel.gridPos;
  const box = { x: x * COLUMN + 4, y: y * ROW + 4, w: w * COLUMN - 8, h: h * ROW - 8 };
  const inner = panel.type === "stat" ? stat(panel, box, range) : lines(panel, box, range);
  return `<g transform="translate(${box.x} ${box.y})">
<rect width="${box.w}" height="${box.h}" rx="3" fill="#fff" stroke="#dfe2e8"/>
<text x="10" y="18" font-weight="600" fill="#1f2430">${escape(panel.title)}</text>${inner}</g>`;
}

const unitOf = (panel) => panel.fieldConfig.defaults.unit;

function stat(panel, box, range) {
  const points = panel.series[0]?.points ?? [];
  const last = points.at(-1)?.[1];
  const most = Math.max(1e-12, ...points.map(([, v]) => v));
  const path = polyline(points, range, most, { x: 0, y: 40, w: box.w, h: box.h - 44 });
  return `<polyline points="${path}" fill="none" stroke="#b9cbe8" stroke-width="1.5"/>
<text x="${box.w / 2}" y="${box.h / 2 + 18}" font-size="27" text-anchor="middle" fill="#2a4f91">${
    escape(last === undefined ? "no data" : show(last, unitOf(panel)))
  }</text>`;
}

function lines(panel, box, range) {
  const plot = { x: 58, y: 28, w: box.w - 70, h: box.h - 66 };
  const stacked = panel.fieldConfig.defaults.custom.stacking.mode === "normal";
  const series = stacked ? stack(panel.series) : panel.series;
  const top = ceil(Math.max(0, ...series.flatMap((s) => s.points.map(([, v]) => v))), unitOf(panel));
  let out = "";
  for (let i = 0; i <= 4; i++) {
    const at = plot.y + plot.h * (1 - i / 4);
    out += `<line x1="${plot.x}" x2="${plot.x + plot.w}" y1="${at}" y2="${at}" stroke="#eceef2"/>
<text x="${plot.x - 6}" y="${at + 4}" text-anchor="end" fill="#6b7280">${
      escape(show(top * i / 4, unitOf(panel)))
    }</text>`;
  }
  if (!series.length) {
    out += `<text x="${plot.x + plot.w / 2}" y="${plot.y + plot.h / 2}" text-anchor="middle"
 fill="#9aa1ad">no data</text>`;
  }
  let left = plot.x;
  series.forEach((s, i) => {
    const colour = COLOURS[i % COLOURS.length];
    out += `<polyline points="${polyline(s.points, range, top, plot)}" fill="none"
 stroke="${colour}" stroke-width="1.5" stroke-linejoin="round"/>`;
    const label = s.name || panel.title;
    const width = 20 + label.length * 6.6;
    if (left + width > box.w) return; // the legend has one line
    out += `<rect x="${left}" y="${box.h - 18}" width="10" height="3" fill="${colour}"/>
<text x="${left + 14}" y="${box.h - 13}" fill="#454c59">${escape(label)}</text>`;
    left += width;
  });
  return out;
}

/** Adds to each series those before it. */
function stack(series) {
  const sum = new Map();
  return series.map((s) => ({
    ...s,
    points: s.points.map(([time, v]) => {
      sum.set(time, (sum.get(time) ?? 0) + v);
      return [time, sum.get(time)];
    }),
  }));
}

function polyline(points, { start, end }, top, box) {
  return points.map(([time, v]) =>
    `${(box.x + box.w * (time - start) / (end - start)).toFixed(1)},${
      (box.y + box.h * (1 - v / top)).toFixed(1)
    }`
  ).join(" ");
}

/** Returns a number above v of which a quarter is short; 1 if there is nothing. */
function ceil(v, unit) {
  if (v <= 0) return 1;
  const unit1 = unit === "bytes" ? 1024 ** Math.floor(Math.log(v) / Math.log(1024)) : 1;
  const power = unit1 * 10 ** Math.floor(Math.log10(v / unit1));
  return [1, 2, 4, 6, 8, 10].find((n) => n * power >= v * (1 - 1e-9)) * power;
}

function show(v, unit) {
  if (v === 0) return "0";
  if (unit === "s") {
    return v < 1e-3 ? `${round(v * 1e6)} µs` : v < 1 ? `${round(v * 1e3)} ms` : `${round(v)} s`;
  }
  const [base, prefixes] = unit === "bytes"
    ? [1024, ["", "Ki", "Mi", "Gi"]]
    : [1000, ["", "k", "M", "G"]];
  const suffix = { bytes: "B", Bps: "B/s" }[unit] ?? "";
  const n = Math.min(3, Math.max(0, Math.floor(Math.log(v) / Math.log(base))));
  const prefix = prefixes[n];
  const rate = unit === "ops" ? "/s" : "";
  return `${round(v / base ** n)}${prefix || suffix ? ` ${prefix}${suffix}` : ""}${rate}`;
}

const round = (v) => String(Number(v.toPrecision(3)));

function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
