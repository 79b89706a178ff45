// Socket.IO and EventSource side by side: one log, the same ids on both sides, and nothing missed
// when a line is cut.

import type { Options } from "roomcast";
import { button, h, labelled, say } from "../dom.ts";
import { nameList } from "../names.ts";
import { Pane, type PaneOptions } from "../pane.ts";
import { number, plural } from "../text.ts";
import { Note, section, type View } from "../view.ts";
import { sendForm } from "./sendform.ts";

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
  const note = new Note();
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
        sendForm(who.userId, () => channels.values, socket, stream),
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
