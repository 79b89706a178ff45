// The connections: their transports, users, rooms and lag.

import { call, onKey, type Problem } from "../api.ts";
import { button, check, h, labelled, List, say, select } from "../dom.ts";
import { Poll } from "../poll.ts";
import { plural } from "../text.ts";
import { Note, section, table, type View } from "../view.ts";
import { connectionRow, type Connection } from "./connection.ts";

const PAGE = 200;

export function connections(): View {
  const filters = {
    user: h("input", {
      name: "user",
      placeholder: "exact id",
      spellcheck: "false",
      autocomplete: "off",
    }),
    channel: h("input", {
      name: "channel",
      placeholder: "exact name",
      spellcheck: "false",
      autocomplete: "off",
    }),
    transport: select(
      { "": "any", websocket: "WebSocket", polling: "polling", sse: "EventSource" },
      { name: "transport" },
    ),
    text: h("input", {
      name: "text",
      type: "search",
      placeholder: "text on this page",
      spellcheck: "false",
    }),
  };
  const { root: grid, body } = table("Connections", [
    "Client",
    "Transport",
    "User",
    "Channels",
    "Lag",
    "Connected",
    "",
  ]);
  const empty = h("p", { class: "empty" });
  grid.append(empty);
  const note = new Note();
  const count = h("p", { class: "hint", role: "status" });
  const first = button("First page", () => turn([])),
    back = button("Back", () => turn(pages.slice(0, -1)));
  const next = button("Next page", () => turn([...pages, after]));
  let pages: string[] = [], after = "", found: Connection[] = [];

  const list = new List<Connection>(
    body,
    ({ clientId }) => clientId,
    (one) =>
      connectionRow(one, (problem, done) => {
        if (problem) note.problem(problem);
        else note.say(done);
        poll.now();
      }),
  );

  const poll = new Poll(async (signal) => {
    const query = new URLSearchParams({ limit: String(PAGE) });
    for (const name of ["user", "channel", "transport"] as const)
      if (filters[name].value.trim()) query.set(name, filters[name].value.trim());
    if (pages.length) query.set("cursor", pages.at(-1)!);
    const { json, problem } = await call<{ connections: Connection[]; next?: string }>(
      "GET",
      `v1/connections?${query}`,
      { signal },
    );
    note.problem(problem);
    if (problem) return clear(problem);
    found = json.connections;
    after = json.next ?? "";
    paint();
    return undefined;
  });

  function clear(problem: Problem) {
    say(count, ""); // it is not known
    say(empty, "");
    if (problem.status) list.update(found = []); // without an answer the list stays
    return problem;
  }

  function paint() {
    const wanted = filters.text.value.trim().toLowerCase();
    const shown = found.filter(({ clientId, userId, username, rooms }) =>
      !wanted ||
      [clientId, userId, username, ...rooms].some((text) => text.toLowerCase().includes(wanted))
    );
    list.update(shown);
    const filtered = ["user", "channel", "transport"].some((name) =>
      filters[name as "user"].value.trim()
    );
    const more = after || pages.length ? ` on page ${pages.length + 1}` : "";
    say(
      count,
      wanted
        ? `${shown.length} of ${plural(found.length, "connection")}${more}`
        : `${plural(found.length, "connection")}${more}`,
    );
    say(
      empty,
      shown.length ? "" : wanted || filtered ? "No connection matches." : "Nobody is connected.",
    );
    first.hidden = back.hidden = pages.length === 0;
    next.hidden = !after;
  }

  function turn(to: string[]) {
    pages = to;
    poll.now();
  }

  for (const name of ["user", "channel", "transport"] as const)
    filters[name].addEventListener("input", () => turn([]));
  filters.text.oninput = paint;
  onKey(() => root.isConnected && !root.hidden && poll.now());

  const root = section(
    "Connections",
    "Socket.IO clients and EventSource streams.",
    [check("Refresh every 2 s", true, (on) => {
      poll.paused = !on;
    })],
    h(
      "div",
      { class: "filters", role: "search", "aria-label": "Filter" },
      labelled("User", filters.user),
      labelled("Channel", filters.channel),
      labelled("Transport", filters.transport),
      labelled("Find", filters.text),
    ),
    note.root,
    h("div", { class: "row apart" }, count, h("div", { class: "row" }, first, back, next)),
    grid,
  );
  return {
    title: "Connections",
    root,
    show(params) {
      for (const name of ["user", "channel", "transport"] as const)
        if ([...params].length) filters[name].value = params.get(name) ?? "";
      pages = [];
      poll.start();
    },
    hide: () => poll.stop(),
  };
}
