// Forms to send the plain notification and each kind of the catalogue, made from the description of
// the API.

import { base, call, lineOf, onKey, openapi } from "../api.ts";
import { button, check, copier, h, say, set } from "../dom.ts";
import { curl } from "../curl.ts";
import { fieldAt, fieldOf, Mistake, type Field } from "../form.ts";
import type { Schema } from "../schema.ts";
import { suggestions, targetField, type Known } from "../target.ts";
import { plural } from "../text.ts";
import { Note, section, type View } from "../view.ts";

const PLAIN = "v1/notifications";
/** The fields under "More". */
const SELDOM = ["metadata", "ttl", "except"];

/** A route that sends. */
interface Kind {
  path: string;
  summary: string;
  about: string;
  schema: Schema;
  example: any;
}

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
    if (current) say(shown, curl(new URL(current.path, base), body(current, () => {}), headers()));
  }

  async function send() {
    if (!current) return;
    for (const field of [...current.fields.flatMap((one) => [one, ...one.fields ?? []])])
      field.mark("");
    const mistakes: Mistake[] = [];
    const text = body(current, (mistake) => mistakes.push(mistake));
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
      await (ready ??= read(kinds, choice));
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

/** Reads the routes that send from the description of the API, into kinds and its select. */
async function read(kinds: Map<string, Kind>, choice: HTMLSelectElement) {
  const { paths, components: { schemas } } = await openapi();
  all = schemas;
  const names: string[] = [];
  for (const [path, item] of Object.entries<any>(paths)) {
    const media = path.startsWith(`/${PLAIN}`) &&
      item.post?.requestBody?.content["application/json"];
    if (!media) continue;
    const { $ref } = media.schema.anyOf?.[0] ?? media.schema;
    const name = path.slice(1);
    kinds.set(name, {
      path: name,
      schema: schemas[$ref.split("/").at(-1)],
      example: media.example,
      summary: item.post.summary,
      about: `${item.post.summary.replace(/\.?$/, ".")} ${
        name === PLAIN ? "" : item.post.description
      }`,
    });
    names.push(name);
  }
  const plain = h("option", { value: PLAIN }, "notification, of any type");
  choice.replaceChildren(
    plain,
    h(
      "optgroup",
      { label: "Catalogue" },
      ...names.filter((name) => name !== PLAIN).sort()
        .map((name) => h("option", { value: name }, name.slice(PLAIN.length + 1))),
    ),
  );
  kinds.get(PLAIN)!.about = "One notification, with a type and data of your own.";
}

let all: Record<string, Schema> = {};

/** The form of a kind. */
interface Composed {
  path: string;
  fields: Field[];
  parts: HTMLElement[];
  seldom: HTMLElement;
  needed: string[];
  example: any;
}

function compose({ path, schema, about, example }: Kind, known: Known): Composed {
  const { required = [], properties = {} } = schema;
  const fallback = required.includes("target")
    ? ""
    : /Without a target .*?\.(?= |$)/.exec(about)?.[0] ??
      "Without a target it goes to the default target of the kind.";
  const make = (name: string) =>
    name === "target" ?
      targetField(fallback, known)
      : name === "volatile"
      ? flag(name, properties[name]!)
      : fieldOf(name, properties[name]!, all, required.includes(name), example[name]);
  const order = [
    ...required.filter((name) => name !== "target"),
    "target",
    "data",
    "volatile",
    ...SELDOM,
  ];
  const names = [...order, ...Object.keys(properties).filter((name) => !order.includes(name))]
    .filter((name) => name in properties);
  const fields = names.map(make);
  const of = (wanted: (name: string) => boolean) =>
    fields.filter(({ path }) => wanted(path)).map(({ root }) => root);
  const inner = h("div", { class: "fields" }, ...of((name) => SELDOM.includes(name)));
  const needed = [...required, "target"];
  for (const field of fields)
    field.fill(needed.includes(field.path) ? example[field.path] : undefined);
  return {
    path,
    fields,
    needed,
    example,
    seldom: inner,
    parts: [
      h("div", { class: "fields" }, ...of((name) => !SELDOM.includes(name))),
      h("details", {}, h("summary", {}, "More: metadata, time to live, exceptions"), inner),
    ],
  };
}

/** Returns a field for a flag that is left out when it is not set. */
function flag(path: string, { description = "" }: Schema): Field {
  const root = check(path, false, () => {});
  const box = root.firstElementChild as HTMLInputElement;
  box.name = path;
  root.append(h("small", {}, description.split(":")[0]!));
  return {
    path,
    root: h("div", { class: "wide" }, root),
    value: () => box.checked ? "true" : undefined,
    fill: (value) => {
      box.checked = value === true;
    },
    mark: (text) => set(box, { "aria-invalid": text && "true" }),
    focus: () => box.focus(),
  };
}

/**
 * Returns the body of the request without fields that have a mistake. wrong: called with each
 * mistake.
 */
function body({ fields }: Composed, wrong: (mistake: Mistake) => void): string {
  const lines: string[] = [];
  for (const field of fields) {
    try {
      const json = field.value();
      if (json !== undefined) lines.push(`  ${JSON.stringify(field.path)}: ${json}`);
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      wrong(error);
    }
  }
  return lines.length ? `{\n${lines.join(",\n")}\n}` : "{}";
}
