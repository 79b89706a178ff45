// The counts of all nodes, and their curves since the page was opened.

import { call, onKey, openapi } from "../api.ts";
import { check, h, say, set } from "../dom.ts";
import { Poll } from "../poll.ts";
import { spark } from "../spark.ts";
import { bytes, number } from "../text.ts";
import { Note, section, type View } from "../view.ts";
import { nodes } from "./nodes.ts";

const EVERY = 2000;
/** The number of points in a curve: three minutes. */
const SHOWN = 90;

/** A count on the page. */
interface Tile {
  field: string;
  name: string;
  /** The curve: of the value, or of its growth. */
  shape?: "level" | "rate";
  write?: (value: number) => string;
  /** Without the description of the API. */
  plain?: boolean;
  /** The colour of a value above 0. */
  alarm?: "warn" | "bad";
}

const GROUPS: Record<string, Tile[]> = {
  Now: [
    { field: "total", name: "Connections", shape: "level", plain: true },
    { field: "activeUsers", name: "Users online", shape: "level" },
    { field: "channels", name: "Channels", shape: "level" },
    { field: "lagging", name: "Lagging", shape: "level", alarm: "warn" },
  ],
  "Since the start": [
    { field: "published", name: "Published", shape: "rate" },
    { field: "delivered", name: "Delivered", shape: "rate" },
    { field: "lagged", name: "Fell behind", alarm: "warn" },
    { field: "dropped", name: "Volatile, dropped", alarm: "warn" },
    { field: "replays", name: "Resumed completely" },
    { field: "replayed", name: "Replayed" },
  ],
  Kept: [
    { field: "history", name: "Notifications kept", plain: true },
    { field: "historyBytes", name: "Their size, estimated", write: bytes, plain: true },
    { field: "sessions", name: "Sessions" },
    { field: "rooms", name: "Rooms" },
    { field: "members", name: "Members" },
  ],
};

export function stats(): View {
  const note = new Note();
  const tiles = Object.values(GROUPS).flat().map((tile) => ({
    ...tile,
    ...tileOf(tile.name, tile.shape),
  }));
  const transports = h("dl", { class: "facts" }), gaps = h("dl", { class: "facts" });
  const mode = h("p", { class: "hint", role: "status" });
  const members = nodes();
  let last: { at: number; values: any } | undefined;

  const poll = new Poll(async (signal) => {
    const { json, problem } = await call("GET", "v1/stats?cluster=1", { signal });
    note.problem(problem);
    if (problem) {
      // The last values are not those of now.
      for (const { value } of tiles) say(value, "–");
      for (const facts of [transports, gaps]) {
        facts.replaceChildren();
        delete facts.dataset.key;
      }
      last = undefined;
      members.update([], []);
      return problem;
    }
    const at = performance.now();
    for (const tile of tiles) {
      const value = Number(json[tile.field] ?? 0);
      say(tile.value, (tile.write ?? number)(value));
      tile.value.className = `value ${value > 0 && tile.alarm || ""}`;
      if (tile.shape === "rate" && last)
        tile.point(Math.max(0, value - last.values[tile.field]) / ((at - last.at) / 1000));
      if (tile.shape === "level") tile.point(value);
    }
    last = { at, values: json };
    pairs(transports, json.byTransport, {
      websocket: "WebSocket",
      polling: "Polling",
      sse: "EventSource",
    });
    pairs(gaps, json.gaps, {});
    members.update(json.nodes, json.incomplete ?? []);
    say(mode, MODES[json.authMode as "open"] ?? "");
    return undefined;
  }, EVERY);

  openapi().then(({ components }) => {
    const { properties } = components.schemas.Stats;
    for (const tile of tiles)
      if (!tile.plain) say(tile.hint, properties[tile.field]?.description ?? "");
  }, () => {});
  onKey(() => root.isConnected && !root.hidden && poll.now());

  const group = (name: string) =>
    h(
      "div",
      { class: "group" },
      h("h3", {}, name),
      h(
        "div",
        { class: "tiles" },
        ...tiles.filter(({ field }) => GROUPS[name]!.some((tile) => tile.field === field)).map((
          { root },
        ) => root),
        ...(name === "Now"
          ? [fact("By transport", transports)]
          : name === "Since the start"
          ? [fact("Gaps reported, by reason", gaps)]
          : []),
      ),
    );
  const root = section(
    "Statistics",
    "The counts of all nodes, now and since their start.",
    [check("Refresh every 2 s", true, (on) => {
      poll.paused = !on;
    })],
    note.root,
    ...Object.keys(GROUPS).map(group),
    members.root,
    mode,
  );
  return { title: "Statistics", root, show: () => poll.start(), hide: () => poll.stop() };
}

const MODES = {
  open: "Open mode: the server accepts every user id.",
  token: "Token mode: clients need a JWT or a ticket.",
  ticket: "Ticket mode: clients need a ticket.",
  hook: "Hook mode: the server asks your application who a client is.",
};

const fact = (name: string, list: HTMLElement) =>
  h("div", { class: "card tile" }, h("span", { class: "name" }, name), list);

function pairs(
  list: HTMLElement,
  values: Record<string, number> = {},
  names: Record<string, string>,
) {
  const text = Object.entries({
    ...Object.fromEntries(Object.keys(names).map((name) => [name, 0])),
    ...values,
  });
  const key = JSON.stringify(text);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list
    .replaceChildren(...text.flatMap((
      [name, value],
    ) => [h("dt", {}, names[name] ?? name.replaceAll("_", " ")), h("dd", {}, number(value))]));
}

function tileOf(name: string, shape: Tile["shape"]) {
  const value = h("span", { class: "value" }, "–"), hint = h("span", { class: "hint" });
  const curve = shape && spark(SHOWN);
  if (curve) set(curve.root, { "aria-label": `${name}: no values yet` });
  const rate = shape === "rate" && h("span", { class: "hint" });
  const root = h(
    "div",
    { class: "card tile" },
    h("span", { class: "name" }, name),
    value,
    rate,
    hint,
    curve?.root,
  );
  function point(n: number) {
    const text = n.toFixed(n < 10 ? 1 : 0);
    if (rate) say(rate, `${text} a second`);
    curve?.push(n);
    if (curve)
      set(curve.root, {
        "aria-label": `${name}, the last three minutes: now ${text}, at most ${
          curve.most().toFixed(n < 10 ? 1 : 0)
        }`,
      });
  }
  return { root, value, hint, point };
}
