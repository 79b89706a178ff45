// Forms to send the plain notification and each kind of the catalogue, made from the description of
// the API.

import { base, call, lineOf, onKey } from "../api.ts";
import { button, copier, h, say, set } from "../dom.ts";
import { curl } from "../curl.ts";
import type { Field, Mistake } from "../field.ts";
import { fieldAt, fieldOf } from "../form.ts";
import { suggestions, type Known } from "../target.ts";
import { plural } from "../text.ts";
import { Note, section, type View } from "../view.ts";
import { bodyOf, compose, PLAIN, readKinds, type Composed, type Kind } from "./kinds.ts";

export function composer(): View {
  const choice = h("select", { id: "kind" });
  const about = h("p", { class: "hint" }), note = new Note();
  const form = h("form", { class: "form", novalidate: true, autocomplete: "off" });
  const shown = h("pre", { class: "block", tabindex: 0, "aria-label": "The request as a command" });
  const result = h("p", { class: "result", role: "status" }),
    answer = h("pre", { class: "block", tabindex: 0, "aria-label": "The answer", hidden: true });
  const idempotency = fieldOf(
    "Idempotency-Key",
    {
      type: "string",
      description: "the server sends requests with the same key once in 10 minutes",
    },
    {},
    false,
  );
  const kinds = new Map<string, Kind>(), forms = new Map<string, Composed>();
  let known: Known = () => [], current: Composed | undefined;

  function turn(name: string) {
    choice.value = name;
    const kind = kinds.get(choice.value)!;
    if (!forms.has(choice.value)) forms.set(choice.value, compose(kind, (which) => known(which)));
    current = forms.get(choice.value)!;
    about
      .replaceChildren(...kind.about.split("`").map((text, n) =>
        n % 2 ? h("code", {}, text) : text
      ));
    form.replaceChildren(...current.parts, idempotent, actions);
    current.seldom.append(idempotency.root);
    tell("");
    answer.hidden = true;
    paint();
  }

  const headers = (): Record<string, string> => {
    const value = idempotency.value();
    return value ? { "Idempotency-Key": JSON.parse(value) } : {};
  };

  function paint() {
    if (current) say(shown, curl(new URL(current.path, base), bodyOf(current, () => {}), headers()));
  }

  async function send() {
    if (!current) return;
    for (const field of [...current.fields.flatMap((one) => [one, ...one.fields ?? []])])
      field.mark("");
    const mistakes: Mistake[] = [];
    const text = bodyOf(current, (mistake) => mistakes.push(mistake));
    if (mistakes.length) {
      for (const { field, message } of mistakes) show(field, message);
      mistakes[0]!.field.focus();
      return tell(`Not sent: ${mistakes[0]!.field.path}: ${mistakes[0]!.message}`, true);
    }
    set(go, { disabled: true });
    tell("Sending…");
    const { json, problem, text: raw } = await call("POST", current.path, {
      body: text,
      headers: headers(),
    });
    set(go, { disabled: false });
    say(answer, raw && JSON.stringify(JSON.parse(raw), null, 2));
    answer.hidden = !raw;
    if (problem) {
      tell(lineOf(problem), true);
      const field = problem.field && fieldAt(current.fields, problem.field);
      if (field) {
        show(field, problem.detail.replace(`${problem.field}: `, ""));
        field.focus();
      }
      return;
    }
    const { id = "volatile", delivered, users, channels, stored } = json;
    const counted = `${id} · ${plural(delivered, "connection")} · ${plural(users, "user")} · ${
      plural(channels, "channel")
    }`;
    tell(delivered
      ? counted
      : `${counted} · ${
        stored ? "no receiver is connected; it is kept for replay" : "nobody received it"
      }`);
  }

  function show(field: Field, text: string) {
    field.mark(text);
    const hidden = field.root.closest("details");
    if (hidden) hidden.open = true;
  }

  function tell(text: string, bad = false) {
    result.className = `result ${bad ? "bad" : text.endsWith("…") ? "" : "good"}`;
    say(result, text);
    result.scrollIntoView({ block: "nearest" });
  }

  function sample(all: boolean) {
    for (const field of current!.fields)
      field.fill(all || current!.needed.includes(field.path)
        ? current!.example[field.path]
        : undefined);
    tell("");
    paint();
  }

  const go = h("button", { class: "primary" }, "Send");
  const actions = h(
    "div",
    { class: "row" },
    go,
    button("Fill in an example", () => sample(true)),
    button("Clear", () => sample(false)),
  );
  const idempotent = h("span", { hidden: true });
  set(form, {
    onsubmit: (event: Event) => {
      event.preventDefault();
      send();
    },
    oninput: () => paint(),
    onkeydown: (event: KeyboardEvent) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        send();
      }
    },
  });
  choice.onchange = () => turn(choice.value);
  onKey(() => {
    if (root.isConnected) load();
  });

  async function load() {
    known = await suggestions();
  }

  let ready: Promise<void> | undefined;
  async function start(params: URLSearchParams) {
    try {
      await (ready ??= readKinds(kinds, choice));
      note.say("");
    } catch (error) {
      ready = undefined;
      return note.say((error as Error).message, true);
    }
    const asked = `${PLAIN}/${params.get("kind")}`;
    if (!current || kinds.has(asked)) turn(kinds.has(asked) ? asked : PLAIN);
    const target = params.get("target");
    if (target) {
      current!.fields.find(({ path }) => path === "target")!
        .fill(target === "all" ? { all: true } : { [target]: params.get("name") ?? "" });
      paint();
    }
    load();
  }

  const root = section(
    "Send",
    "Everything the HTTP API sends, with a form for each kind of the catalogue.",
    [],
    note.root,
    h(
      "div",
      { class: "composer" },
      h(
        "div",
        { class: "card" },
        h("label", {}, h("span", { class: "label" }, "Kind"), choice),
        about,
        form,
      ),
      h(
        "aside",
        { class: "card", "aria-label": "Request and answer" },
        h(
          "div",
          { class: "row apart" },
          h("h3", {}, "Request"),
          copier(() => shown.textContent!),
        ),
        shown,
        h("h3", {}, "Answer"),
        result,
        answer,
      ),
    ),
  );
  return {
    title: "Send",
    root,
    show: (params) => {
      start(params);
    },
  };
}
