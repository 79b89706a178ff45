// The form of a kind, and the request that it makes.

import { check, h, newId, say, set } from "../dom.ts";
import { Mistake, type Field } from "../field.ts";
import { fieldOf } from "../form.ts";
import type { Schema } from "../schema.ts";
import { targetField, type Known } from "../target.ts";
import type { Kind } from "./kinds.ts";

/** The flags that are left out when they are not set. */
const FLAGS = ["volatile", "retain"];
/** The fields under "More", and their names in its summary. */
const SELDOM: Record<string, string> = {
  metadata: "metadata",
  ttl: "time to live",
  except: "exceptions",
};

/** The form of a kind. */
export interface Composed {
  path: string;
  /** The fields of the body, by property. The field "target" is also that of a room. */
  fields: Map<string, Field>;
  /** The fields of the query, by parameter. */
  query: Map<string, Field>;
  parts: HTMLElement[];
  seldom: HTMLElement;
  /** The properties that an empty form has, too. */
  needed: string[];
  /** Values by property. */
  example: Record<string, unknown>;
}

/** Makes the form of a kind. known: suggestions for its target. */
export function compose(kind: Kind, known: Known): Composed {
  const { path, schema: { required = [], properties = {} }, schemas, about } = kind;
  const rooms = "room" in properties;
  const example = rooms ? { ...kind.example, target: { room: kind.example.room } } : kind.example;
  const fallback = rooms || required.includes("target")
    ? ""
    : /Without a target .*?\.(?= |$)/.exec(about)?.[0] ??
      "Without a target it goes to the default target of the kind.";
  const make = (name: string) =>
    name === "target" ?
      targetField(fallback, known, rooms)
      : FLAGS.includes(name)
      ? flag(name, properties[name]!)
      : fieldOf(name, properties[name]!, schemas, required.includes(name), example[name]);
  const order = [
    ...required.filter((name) => name !== "target"),
    "target",
    "namespace",
    "data",
    "args",
    ...FLAGS,
    ...Object.keys(SELDOM),
  ];
  const names = [...order, ...Object.keys(properties).filter((name) => !order.includes(name))]
    .filter((name) => name in properties && name !== "room");
  const fields = new Map(names.map((name) => [name, make(name)]));
  const query = new Map(
    Object.entries(kind.query).map(([name, one]) => [name, fieldOf(name, one, schemas, false)]),
  );
  const of = (wanted: (name: string) => boolean) =>
    [...fields].filter(([name]) => wanted(name)).map(([, { root }]) => root);
  const inner = h("div", { class: "fields" }, ...of((name) => name in SELDOM));
  const needed = [...required, "target"];
  for (const [name, field] of fields)
    field.fill(needed.includes(name) ? example[name] : undefined);
  const more = Object.keys(SELDOM).filter((name) => fields.has(name)).map((name) => SELDOM[name]);
  return {
    path,
    fields,
    query,
    needed,
    example,
    seldom: inner,
    parts: [
      h(
        "div",
        { class: "fields" },
        ...of((name) => !(name in SELDOM)),
        ...[...query.values()].map(({ root }) => root),
      ),
      h("details", {}, h("summary", {}, `More: ${more.join(", ")}`), inner),
    ],
  };
}

/** Returns all fields of a form. */
export const fieldsOf = (
  { fields, query }: Composed,
): Field[] => [...fields.values(), ...query.values()];

/** Returns a field for a flag that is left out when it is not set. */
function flag(path: string, { description = "" }: Schema): Field {
  const id = newId();
  const root = check(path, false, () => field.mark(""));
  const box = root.firstElementChild as HTMLInputElement;
  const error = h("span", { class: "error", id });
  box.name = path;
  set(box, { "aria-describedby": id });
  root.append(h("small", {}, description));
  const field: Field = {
    path,
    root: h("div", { class: "wide" }, root, error),
    value: () => box.checked ? "true" : undefined,
    fill: (value) => {
      box.checked = value === true;
    },
    mark(text) {
      say(error, text);
      set(box, { "aria-invalid": text && "true" });
    },
    focus: () => box.focus(),
  };
  return field;
}

/** A request, without the fields that have a mistake. */
export interface Request {
  /** The path of the route, with the query. */
  path: string;
  body: string;
}

/** Returns the request of a form. wrong: called with each mistake. */
export function requestOf(
  { path, fields, query }: Composed,
  wrong: (mistake: Mistake) => void,
): Request {
  const read = (field: Field) => {
    try {
      return field.value();
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      wrong(error);
    }
  };
  const lines: string[] = [];
  for (const field of fields.values()) {
    const json = read(field);
    if (json !== undefined) lines.push(`  ${JSON.stringify(field.path)}: ${json}`);
  }
  const params = new URLSearchParams();
  for (const [name, field] of query) {
    const json = read(field);
    if (json !== undefined) params.set(name, String(JSON.parse(json)));
  }
  return {
    path: params.size ? `${path}?${params}` : path,
    body: lines.length ? `{\n${lines.join(",\n")}\n}` : "{}",
  };
}
