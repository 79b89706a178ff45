// One connection of the list: its row, and the details that open below it.

import { call, path, type Problem } from "../api.ts";
import { button, h, List, risky, say, set, type Item } from "../dom.ts";
import { ago, full, number, plural } from "../text.ts";
import { cell, link } from "../view.ts";

export interface Connection {
  clientId: string;
  transport: "websocket" | "polling" | "sse";
  userId: string;
  username: string;
  rooms: string[];
  connectedAt: string;
  lastActive: string;
  queue: number;
  lag: number;
}

const NAMES = { websocket: "WebSocket", polling: "polling", sse: "EventSource" };
const SHOWN = 4;

/**
 * Returns the rooms that are channels. The rooms of the client and the user have columns of their
 * own.
 */
const channelsOf = ({ rooms, clientId, userId }: Connection) =>
  rooms.filter((name) => name !== `client:${clientId}` && name !== `user:${userId}`);

/** Returns the row. report: called after each action, with the problem or the result. */
export function connectionRow(
  one: Connection,
  report: (problem: Problem | undefined, done: string) => void,
): Item<Connection> {
  const { clientId, transport, userId, username } = one;
  const rooms = h("span", { class: "chips" });
  const chips = new List<string>(
    rooms,
    String,
    (name) => ({ root: h("span", { class: "chip" }, name), update() {} }),
  );
  const lag = h("span"), since = h("span"), sub = h("span", { class: "sub" });
  const more = h("tr", { class: "more", role: "row", hidden: true });
  const toggle = button(clientId, () => {
    const open = more.hidden === true;
    if (open && !detail)
      more
        .append(h(
          "td",
          { colspan: 7, role: "cell" },
          (detail = openDetail(one, report)).root as HTMLElement,
        ));
    detail?.update(latest);
    more.hidden = !open;
    row.classList.toggle("open", open);
    set(toggle, { "aria-expanded": String(open) });
  }, { class: "link toggle", "aria-expanded": "false" });
  const row = h(
    "tr",
    { role: "row" },
    cell("", toggle),
    cell("Transport", h("span", { class: `badge ${transport}` }, NAMES[transport] ?? transport)),
    cell(
      "User",
      userId,
      username && username !== userId ? h("span", { class: "sub" }, ` ${username}`) : "",
    ),
    cell("Channels", rooms),
    cell("Lag", lag),
    cell("Connected", since, sub),
    cell(
      "",
      risky("Disconnect", "Disconnect for good", async () => {
        const { problem } = await call("DELETE", path`v1/connections/${clientId}`);
        report(problem, `${clientId} is disconnected.`);
      }, { class: "small", "aria-label": `Disconnect ${clientId}` }),
    ),
  );
  let detail: Item<Connection> | undefined, latest = one;

  return {
    root: row,
    nodes: [row, more],
    update(now) {
      latest = now;
      const channels = channelsOf(now);
      chips
        .update(channels.length > SHOWN
          ? [...channels.slice(0, SHOWN), `+${channels.length - SHOWN}`]
          : channels);
      say(lag, number(now.lag));
      lag.className = now.lag > 0 ? "badge warn" : "";
      say(since, ago(now.connectedAt));
      set(since, { title: full(now.connectedAt) });
      if (!more.hidden) detail?.update(now);
    },
  };
}

function openDetail(
  one: Connection,
  report: (problem: Problem | undefined, done: string) => void,
): Item<Connection> {
  const { clientId, userId } = one;
  const known = userId !== "" && one.rooms.includes(`user:${userId}`);
  const rooms = h("ul", { class: "chips", "aria-label": "Rooms" });
  const facts = { at: h("dd"), active: h("dd"), queue: h("dd"), lag: h("dd") };
  const name = h("input", {
    placeholder: "channel",
    "aria-label": `Put ${clientId} into channel`,
    spellcheck: "false",
    maxlength: 200,
  });

  async function change(method: string, channel: string, done: string) {
    const { problem } = await call(method, path`v1/connections/${clientId}/channels/${channel}`);
    report(problem, done);
  }
  const list = new List<string>(rooms, String, (room) => {
    const own = room === `client:${clientId}` || room === `user:${userId}`;
    const out = button("×", () => change("DELETE", room, `${clientId} is out of ${room}.`), {
      "aria-label": `Take out of ${room}`,
      title: "Take out",
    });
    return { root: h("li", { class: own ? "badge" : "chip" }, room, !own && out), update() {} };
  });

  const root = h(
    "div",
    { class: "detail" },
    h(
      "div",
      {},
      h("h3", {}, "Rooms"),
      rooms,
      h(
        "form",
        {
          class: "inline",
          onsubmit: (event: Event) => {
            event.preventDefault();
            const channel = name.value.trim();
            if (channel)
              change("PUT", channel, `${clientId} is in ${channel}.`).then(() => {
                name.value = "";
              });
          },
        },
        name,
        h("button", {}, "Put into"),
      ),
    ),
    h(
      "div",
      {},
      h(
        "dl",
        { class: "facts" },
        h("dt", {}, "Connected"),
        facts.at,
        h("dt", {}, "Last active"),
        facts.active,
        h("dt", {}, "Waiting"),
        facts.queue,
        h("dt", {}, "Lag"),
        facts.lag,
      ),
      h(
        "div",
        { class: "row" },
        link("Send to it", "send", { target: "client", name: clientId }),
        known && link(`Send to ${userId}`, "send", { target: "user", name: userId }),
        known && link(`Tail ${userId}`, "tail", { user: userId }),
      ),
      known &&
        h(
          "div",
          { class: "row" },
          risky(`Disconnect all of ${userId}`, "Disconnect all for good", async () => {
            const { json, problem } = await call<{ disconnected: number }>(
              "DELETE",
              path`v1/users/${userId}/connections`,
            );
            report(
              problem,
              problem
                ? ""
                : `${plural(json.disconnected, "connection")} of ${userId} disconnected.`,
            );
          }, { class: "small" }),
        ),
    ),
  );

  return {
    root,
    update(now) {
      list.update(now.rooms);
      say(facts.at, full(now.connectedAt));
      say(facts.active, `${ago(now.lastActive)} ago`);
      say(facts.queue, plural(now.queue, "notification"));
      say(facts.lag, now.lag ? `${plural(now.lag, "entry", "entries")} of the log` : "none");
    },
  };
}
