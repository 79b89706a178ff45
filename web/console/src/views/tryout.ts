// Socket.IO and EventSource side by side: one log, the same ids on both sides, and nothing missed
// when a line is cut.

import type { Options } from "roomcast";
import { call, lineOf } from "../api.ts";
import { button, h, labelled, say, select } from "../dom.ts";
import { jsonField, Mistake } from "../form.ts";
import { nameList } from "../names.ts";
import { Pane, type PaneOptions } from "../pane.ts";
import { targetField } from "../target.ts";
import { number, plural } from "../text.ts";
import { Note, section, type View } from "../view.ts";

const token = h("input", {
  name: "token",
  type: "password",
  autocomplete: "off",
  spellcheck: "false",
});

/** Puts a token into the form. */
export const useToken = (text: string): void => {
  token.value = text;
};

export function tryout(): View {
  const field = (name: string, value = "") =>
    h("input", { name, value, maxlength: 128, spellcheck: "false", autocomplete: "off" });
  const who = { userId: field("userId", "alice"), username: field("username", "Alice") };
  const paths = {
    socketPath: field("socketPath", "/socket.io/"),
    ssePath: field("ssePath", "/sse"),
  };
  const note = new Note(), sent = new Note();
  const channels = nameList("Channels", "Join", change);
  const same = h("p", { class: "hint", role: "status" });

  function options(): Options {
    const text = token.value.trim(),
      userId = who.userId.value.trim(),
      username = who.username.value.trim();
    return {
      // A token names the user, so the user id is sent only without one.
      ...(text ? { token: text } : { userId }),
      ...(username && { username }),
      channels: channels.values,
      socketPath: paths.socketPath.value,
      ssePath: paths.ssePath.value,
    };
  }
  const common = {
    who: options,
    changed: compare,
    chosen: (id: string) => {
      for (const pane of panes) pane.point(id);
    },
  };
  const make = (o: Omit<PaneOptions, keyof typeof common>) => new Pane({ ...common, ...o });
  const panes: Pane[] = [];
  const socket = make({
    transport: "socket.io",
    title: "Socket.IO",
    moveLabel: "Move to EventSource",
    move: () => move(socket, stream),
  });
  const stream = make({
    transport: "sse",
    title: "EventSource",
    moveLabel: "Move to Socket.IO",
    move: () => move(stream, socket),
  });
  panes.push(socket, stream);
  compare();

  /**
   * Disconnects one side and resumes on the other after its last id. Both read one log, so nothing
   * is missed.
   */
  function move(from: Pane, to: Pane) {
    from.disconnect();
    to.connect(from.last || undefined);
  }

  function compare() {
    if (panes.length < 2) return;
    const both = [...socket.ids].filter((id) => stream.ids.has(id)).length;
    const alone = socket.ids.size + stream.ids.size - 2 * both;
    say(
      same,
      both + alone === 0
        ? ""
        : `${plural(both, "id")} on both sides${
          alone ? `, ${number(alone)} on one only` : ""
        }. Open an event to see it on the other side.`,
    );
  }

  async function change(join: string[], leave: string[]) {
    const results = await Promise.allSettled(panes.map((pane) => pane.change(join, leave)));
    const denied =
      new Set(results.flatMap((result) => result.status === "fulfilled" ? result.value : []));
    const failed = results.find((result) => result.status === "rejected");
    channels.drop(...denied);
    if (failed) note.say(`Channels not changed everywhere: ${failed.reason.message}`, true);
    else note.say(denied.size ? `Not allowed: ${[...denied].join(", ")}` : "", denied.size > 0);
  }

  // A short form. The view Send has all options.
  const by = select({
    api: "the HTTP API",
    "socket.io": "this Socket.IO client",
    sse: "this EventSource client",
  }, { name: "by" });
  const type = h("input", {
    name: "type",
    value: "payment:completed",
    maxlength: 128,
    spellcheck: "false",
    autocomplete: "off",
  });
  const target = targetField("", (kind) =>
    ({
      user: [who.userId.value],
      users: [who.userId.value],
      channel: channels.values,
      channels: channels.values,
      client: panes.map(({ client }) => client?.clientId ?? "").filter(Boolean),
    })[kind] ?? []);
  const channel = h("input", {
    name: "room",
    value: "",
    maxlength: 200,
    spellcheck: "false",
    placeholder: "orders",
  });
  const data = jsonField("data", "Data", "", false, false);
  target.fill({ user: "alice" });
  data.fill({ paymentId: "p-1", amount: 42 });
  const typed = labelled("Type", type), room = labelled("Channel", channel);
  by.onchange = () => {
    const api = by.value === "api";
    typed.hidden = target.root.hidden = !api;
    room.hidden = api;
  };
  room.hidden = true;
  let before = who.userId.value;
  who.userId.oninput = () => {
    const name = target.root.querySelector("input")!;
    // The target follows the user ID until it is edited.
    if (name.value === before) name.value = who.userId.value;
    before = who.userId.value;
  };

  async function send() {
    for (const field of [target, data]) field.mark("");
    try {
      const json = data.value() ?? "null";
      sent.say("Sending…");
      const receipt = by.value === "api" ? await publish(json) : await sendByClient(json);
      if (receipt)
        sent
          .say(`${receipt.id ?? "volatile"} · ${plural(receipt.delivered, "connection")} · ${
            plural(receipt.users, "user")
          } · ${plural(receipt.channels, "channel")}`);
    } catch (error) {
      if (error instanceof Mistake) {
        error.field.mark(error.message);
        error.field.focus();
      }
      sent.say(
        error instanceof Mistake
          ? `Not sent: ${error.message}`
          : `Refused: ${(error as Error).message}`,
        true,
      );
    }
  }

  async function publish(json: string) {
    const body = `{"target": ${target.value()}, "type": ${
      JSON.stringify(type.value.trim())
    }, "data": ${json}}`;
    const { json: receipt, problem } = await call("POST", "v1/notifications", { body });
    if (!problem) return receipt;
    sent.problem(problem);
    if (problem.field?.startsWith("target")) target.mark(problem.detail);
    if (problem.status !== 401) sent.say(lineOf(problem), true);
  }

  async function sendByClient(json: string) {
    const pane = by.value === "sse" ? stream : socket;
    if (pane.status !== "connected") throw new Error("this side is not connected");
    return pane.client!.send(channel.value.trim(), JSON.parse(json));
  }

  const root = section(
    "Try-out",
    "Connect both, send, cut a line, restore it: the ids are the same on both sides, and nothing is missing.",
    [
      button("Connect both", () => {
        for (const pane of panes) if (pane.status === "closed") pane.connect();
      }, { class: "primary" }),
      button("Disconnect both", () => {
        for (const pane of panes) pane.disconnect();
      }),
    ],
    h(
      "div",
      { class: "tryout" },
      h(
        "div",
        { class: "forms" },
        h(
          "div",
          { class: "card form" },
          h("h3", {}, "Identity"),
          h(
            "div",
            { class: "pair" },
            labelled("User ID", who.userId),
            labelled("Username", who.username),
          ),
          labelled("Token", token, "if the server requires one"),
          channels.root,
          h(
            "details",
            {},
            h("summary", {}, "Paths"),
            h(
              "div",
              { class: "pair" },
              labelled("Socket.IO", paths.socketPath),
              labelled("EventSource", paths.ssePath),
            ),
          ),
          note.root,
        ),
        h(
          "form",
          {
            class: "card form",
            id: "quick",
            autocomplete: "off",
            onsubmit: (event: Event) => {
              event.preventDefault();
              send();
            },
            onkeydown: (event: KeyboardEvent) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                send();
              }
            },
          },
          h("h3", {}, "Send"),
          labelled("By", by),
          target.root,
          typed,
          room,
          data.root,
          h("button", { class: "primary" }, "Send"),
          sent.root,
        ),
      ),
      h(
        "div",
        { class: "form" },
        h("div", { class: "panes" }, ...panes.map(({ root }) => root)),
        same,
      ),
    ),
  );
  return { title: "Try-out", root };
}
