// The channels that have members.

import { call, onKey } from "../api.ts";
import { button, check, h, labelled, List, say } from "../dom.ts";
import { Poll } from "../poll.ts";
import { number, plural } from "../text.ts";
import { cell, link, Note, section, table, type View } from "../view.ts";

interface Channel {
  channel: string;
  connections: number;
  users: number;
}

const PAGE = 200;

export function channels(): View {
  const { root: grid, body } = table("Channels", ["Channel", "Connections", "Users", ""]);
  const empty = h("p", { class: "empty" });
  grid.append(empty);
  const find = h("input", {
    type: "search",
    name: "text",
    placeholder: "text on this page",
    spellcheck: "false",
  });
  const note = new Note();
  const count = h("p", { class: "hint", role: "status" });
  const first = button("First page", () => turn("")), next = button("Next page", () => turn(after));
  let cursor = "", after = "", found: Channel[] = [];

  const list = new List<Channel>(body, ({ channel }) => channel, ({ channel }) => {
    const connections = h("span"), users = h("span");
    const root = h(
      "tr",
      { role: "row" },
      cell("", h("strong", {}, channel)),
      cell("Connections", connections),
      cell("Users", users),
      cell(
        "",
        h(
          "span",
          { class: "row end" },
          link("Connections", "connections", { channel }),
          link("Tail", "tail", { channel }),
          link("Send", "send", { target: "channel", name: channel }),
        ),
      ),
    );
    return {
      root,
      update(now) {
        say(connections, number(now.connections));
        say(users, number(now.users));
      },
    };
  });

  const poll = new Poll(async (signal) => {
    const query = new URLSearchParams({ limit: String(PAGE), ...(cursor && { cursor }) });
    const { json, problem } = await call<{ channels: Channel[]; next?: string }>(
      "GET",
      `v1/channels?${query}`,
      { signal },
    );
    note.problem(problem);
    if (problem) {
      say(count, ""); // it is not known
      say(empty, "");
      if (problem.status) list.update(found = []); // without an answer the list stays
      return problem;
    }
    found = json.channels;
    after = json.next ?? "";
    paint();
    return undefined;
  });

  function paint() {
    const wanted = find.value.trim().toLowerCase();
    const shown = found.filter(({ channel }) => channel.toLowerCase().includes(wanted));
    list.update(shown);
    say(
      count,
      wanted
        ? `${shown.length} of ${plural(found.length, "channel")}`
        : plural(found.length, "channel"),
    );
    say(
      empty,
      shown.length ? "" : wanted ? "No channel has a matching name." : "No channel has a member.",
    );
    first.hidden = !cursor;
    next.hidden = !after;
  }

  function turn(to: string) {
    cursor = to;
    poll.now();
  }

  find.oninput = paint;
  onKey(() => root.isConnected && !root.hidden && poll.now());
  const root = section(
    "Channels",
    "Channels with a member. For users and clients, see Connections.",
    [check("Refresh every 2 s", true, (on) => {
      poll.paused = !on;
    })],
    h("div", { class: "filters", role: "search", "aria-label": "Filter" }, labelled("Find", find)),
    note.root,
    h("div", { class: "row apart" }, count, h("div", { class: "row" }, first, next)),
    grid,
  );
  return { title: "Channels", root, show: () => poll.start(), hide: () => poll.stop() };
}
