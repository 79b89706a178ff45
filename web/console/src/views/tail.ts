// The notifications that arrive now, on a connection of the console in the channels that the user
// chooses.

import { connect, type Client, type Options } from "roomcast";
import { credentials } from "../admission.ts";
import { base, call, key } from "../api.ts";
import { button, h, labelled, say, select, set } from "../dom.ts";
import { entryOf, Log, type Entry } from "../log.ts";
import { matcher } from "../matcher.ts";
import { nameList } from "../names.ts";
import { number, plural } from "../text.ts";
import { Note, section, type View } from "../view.ts";

const KEPT = 1000;
const MOST_CHANNELS = 64; // the default of MAX_ROOMS

export function tail(): View {
  const user = h("input", {
    name: "userId",
    value: "console",
    maxlength: 128,
    spellcheck: "false",
    autocomplete: "off",
  });
  const start = select({ now: "from now", all: "with everything kept" }, { name: "since" });
  const channels = nameList("Channels", "Join", change);
  const type = h("input", {
    type: "search",
    name: "type",
    placeholder: "payment:* or a part",
    spellcheck: "false",
  });
  const text = h("input", {
    type: "search",
    name: "text",
    placeholder: "in data, ids, channels",
    spellcheck: "false",
  });
  const note = new Note();
  const state = h("p", { class: "state", role: "status" }, "not connected");
  const count = h("p", { class: "hint" });
  const begin = h("button", { class: "primary" }, "Connect"),
    end = button("Disconnect", () => client?.close(), { disabled: true });
  const pause = button("Pause", () => hold(!paused), { "aria-pressed": "false" });
  const log = new Log("Events", "Nothing yet. Connect to see the events.", KEPT, counted);
  let client: Client | undefined, paused = false, total = 0;

  async function run() {
    client?.close();
    note.say("");
    let who: Options;
    try {
      who = await credentials(user.value.trim(), () => channels.values);
    } catch (error) {
      return note.say((error as Error).message, true);
    }
    const mine = client = connect({
      ...who,
      url: base.href,
      channels: channels.values,
      backoff: { max: 5000 },
      ...(start.value === "all" && { since: "0" }),
    });
    mine.onAny((name, value) => name !== "heartbeat" && take(entryOf(name, value)));
    mine.onStatus(() => mine === client && show(mine));
    mine.on("connected", ({ denied = [] }) => {
      if (denied.length) note.say(`Not allowed: ${denied.join(", ")}`, true);
    });
    show(mine);
  }

  function show({ status, transport, error }: Client) {
    set(root, { "data-state": status });
    const by = transport === "sse" ? "EventSource" : "Socket.IO";
    say(
      state,
      status === "connected"
        ? `connected by ${by}`
        : `${status}${error ? `: ${error.message}` : ""}`,
    );
    set(end, { disabled: status === "closed" });
    say(begin, status === "closed" ? "Connect" : "Reconnect");
  }

  function take(entry: Entry) {
    total++;
    if (entry.name === "gap" && entry.control) entry.tags.push("gap");
    if (!entry.control && !entry.id) entry.tags.push("volatile");
    log.push(entry);
  }

  async function change(joined: string[], left: string[]) {
    if (!client || client.status === "closed") return;
    try {
      const { denied } = joined.length ? await client.join(...joined) : { denied: [] };
      if (left.length) await client.leave(...left);
      channels.drop(...denied);
      note.say(denied.length ? `Not allowed: ${denied.join(", ")}` : "", denied.length > 0);
    } catch (error) {
      note.say(`Channels not changed: ${(error as Error).message}`, true);
    }
  }

  /**
   * Joins the channels that have members now, because nobody receives what is sent to other rooms.
   */
  async function all() {
    const { json, problem } = await call<{ channels: { channel: string }[] }>(
      "GET",
      `v1/channels?limit=${MOST_CHANNELS}`,
    );
    note.problem(problem);
    if (problem) return;
    const names = json.channels.map(({ channel }) => channel).filter((name) =>
      !channels.values.includes(name)
    );
    channels.put(...names);
    if (names.length) await change(names, []);
  }

  function hold(on: boolean) {
    paused = on;
    set(pause, { "aria-pressed": String(on) });
    log.hold(on);
  }

  function counted() {
    say(pause, paused ? "Resume" : "Pause");
    const hidden = log.size - log.shown;
    const parts = [`${plural(total, "event")} in all`];
    if (total > log.size) parts.push(`the last ${number(log.size)} kept`);
    if (hidden) parts.push(`${number(hidden)} hidden by the filter`);
    if (paused) parts.push(`paused, ${number(log.held)} waiting`);
    say(count, `${parts.join(" · ")}.`);
  }

  const filter = () => log.filter(matcher(type.value, text.value));
  type.oninput = text.oninput = filter;

  const form = h(
    "form",
    {
      class: "form",
      autocomplete: "off",
      onsubmit: (event: Event) => {
        event.preventDefault();
        run();
      },
    },
    h(
      "div",
      { class: "pair" },
      labelled("User ID", user, "whose notifications"),
      labelled("Start", start),
    ),
    h("div", { class: "row" }, begin, end, state),
  );
  const root = section(
    "Live tail",
    "A connection of this page. It counts like any other, and receives what is sent to its user, its channels and everyone.",
    [],
    h(
      "div",
      { class: "card form" },
      h(
        "div",
        { class: "halves" },
        form,
        h(
          "div",
          { class: "form" },
          channels.root,
          h("div", { class: "row" }, button("Join all that have members", all, { class: "small" })),
        ),
      ),
      note.root,
    ),
    h(
      "div",
      { class: "filters", role: "search", "aria-label": "Filter" },
      labelled("Type", type),
      labelled("Text", text),
    ),
    h(
      "div",
      { class: "row apart" },
      count,
      h(
        "div",
        { class: "row" },
        pause,
        button("Clear", () => {
          total = 0;
          log.clear();
        }),
      ),
    ),
    log.root,
  );
  root.classList.add("tail");
  counted();
  return {
    title: "Live tail",
    root,
    show(params) {
      const given = params.get("user"), channel = params.get("channel");
      if (given) user.value = given;
      if (channel && !channels.values.includes(channel)) {
        channels.put(channel);
        change([channel], []);
      }
      if (key.value)
        call<{ channels: { channel: string }[] }>("GET", "v1/channels?limit=100").then(({ json }) =>
          channels.suggest(json?.channels?.map(({ channel }) => channel) ?? [])
        );
    },
  };
}
