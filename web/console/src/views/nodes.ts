// The nodes of a cluster. A server without others has no list.

import { h, List, say, set } from "../dom.ts";
import { number, plural } from "../text.ts";
import { cell, table } from "../view.ts";

/** A node in the statistics of a cluster. */
export interface Node {
  uid: string;
  version?: string;
  addr?: string;
  total: number;
  activeUsers: number;
  channels: number;
  lagging: number;
  published: number;
}

export function nodes(): { root: HTMLElement; update(all: Node[], silent: string[]): void } {
  const { root: grid, body } = table("Nodes", [
    "Node",
    "Version",
    "Connections",
    "Users",
    "Channels",
    "Lagging",
    "Published",
  ]);
  const missing = h("p", { class: "note bad", role: "status" });
  const list = new List<Node>(body, ({ uid }) => uid, ({ uid, version, addr }) => {
    const counts = {
      Connections: h("span"),
      Users: h("span"),
      Channels: h("span"),
      Lagging: h("span"),
      Published: h("span"),
    };
    const root = h(
      "tr",
      { role: "row" },
      cell("", h("strong", {}, uid), addr ? ` ${addr}` : ""),
      cell("Version", version ?? ""),
      ...Object.entries(counts).map(([name, count]) => cell(name, count)),
    );
    return {
      root,
      update(now) {
        say(counts.Connections, number(now.total));
        say(counts.Users, number(now.activeUsers));
        say(counts.Channels, number(now.channels));
        say(counts.Lagging, number(now.lagging));
        say(counts.Published, number(now.published));
      },
    };
  });
  const root = h("div", { class: "group", hidden: true }, h("h3", {}, "Nodes"), missing, grid);
  return {
    root,
    update(all, silent) {
      set(root, { hidden: all.length + silent.length < 2 });
      list.update(all);
      say(
        missing,
        silent[0] === "*"
          ? "The other nodes could not be asked."
          : silent.length
          ? `${plural(silent.length, "node")} did not answer: ${silent.join(", ")}`
          : "",
      );
    },
  };
}
