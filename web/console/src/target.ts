// The target of a notification or an event: its kind, and its name or names.

import { call } from "./api.ts";
import { h, newId, say, select, set } from "./dom.ts";
import { Mistake, type Field } from "./field.ts";
import { words } from "./text.ts";

const LABELS: Record<string, string> = {
  user: "User ID",
  users: "User IDs",
  channel: "Channel",
  channels: "Channels",
  client: "Client ID",
  room: "Room",
};

/** Returns suggestions for the names of a kind of target, in their order. */
export type Known = (kind: string) => string[];

/**
 * Returns the field of a target. fallback: describes the default target; "" when a target is
 * required. rooms: it offers a room, too, and is then the field "room" of the request.
 */
export function targetField(fallback: string, known: Known, rooms = false): Field {
  const id = newId();
  const kind = select({
    ...(fallback && { "": "the default of the kind" }),
    ...(rooms && { room: "a room" }),
    user: "a user",
    users: "users",
    channel: "a channel",
    channels: "channels",
    client: "a connection",
    all: "everyone",
  }, { name: "target", "aria-label": "Target" });
  const name = h("input", {
    name: "name",
    id,
    list: `${id}l`,
    spellcheck: "false",
    autocomplete: "off",
    "aria-describedby": `${id}e`,
  });
  const label = h("label", { for: id, class: "label" });
  const named = h("div", { class: "field" }, label, name);
  const error = h("span", { class: "error", id: `${id}e` }), hint = h("span", { class: "hint" });
  const list = h("datalist", { id: `${id}l` });
  const several = () => kind.value.endsWith("s") && kind.value !== "";
  const field: Field = {
    get path() {
      return kind.value === "room" ? "room" : "target";
    },
    root: h(
      "div",
      { class: "wide form" },
      h(
        "div",
        { class: "pair" },
        h(
          "label",
          {},
          h(
            "span",
            { class: "label" },
            "To",
            !fallback && h("span", { class: "req", "aria-hidden": "true" }, " *"),
          ),
          kind,
        ),
        named,
      ),
      error,
      hint,
      list,
    ),
    value() {
      if (!kind.value) return undefined;
      if (kind.value === "all") return `{"all": true}`;
      const names = several() ? words(name.value) : name.value.trim();
      if (!names.length) throw new Mistake(field, "a name is required");
      if (kind.value === "room") return JSON.stringify(names);
      return `{${JSON.stringify(kind.value)}: ${JSON.stringify(names)}}`;
    },
    fill(value) {
      const [given, names] = Object.entries(value as object ?? {})[0] ??
        [fallback ? "" : rooms ? "room" : "user", ""];
      kind.value = given;
      name.value = names === true ? "" : [names].flat().join(", ");
      turn();
    },
    mark(text) {
      say(error, text);
      set(named.hidden ? kind : name, { "aria-invalid": text && "true" });
    },
    focus: () => (named.hidden ? kind : name).focus(),
  };

  function turn() {
    field.mark("");
    named.hidden = kind.value === "" || kind.value === "all";
    say(label, LABELS[kind.value] ?? "");
    set(name, { placeholder: several() ? "comma-separated" : "" });
    say(hint, kind.value === "" ? fallback : "");
    suggest();
  }
  // On focus it must not remove an error: the focus goes to the field with the error.
  function suggest() {
    list.replaceChildren(...known(kind.value).map((value) => h("option", { value })));
  }
  kind.addEventListener("input", () => {
    name.value = "";
    turn();
  });
  name.addEventListener("input", () => field.mark(""));
  name.addEventListener("focus", suggest);
  turn();
  return field;
}

/**
 * Resolves with the current users and channels of the server as suggestions; none when the key may
 * not ask.
 */
export async function suggestions(): Promise<Known> {
  const [users, channels] = await Promise.all([
    call<{ users: { userId: string }[] }>("GET", "v1/users?online=true&limit=100"),
    call<{ channels: { channel: string }[] }>("GET", "v1/channels?limit=100"),
  ]);
  const channel = channels.json?.channels?.map(({ channel }) => channel) ?? [];
  const names: Record<string, string[]> = {
    user: users.json?.users?.map(({ userId }) => userId) ?? [],
    channel,
    room: channel,
  };
  return (kind) => names[kind.replace(/s$/, "")] ?? [];
}
