// The kinds of notifications in the description of the API, and their forms.

import { openapi } from "../api.ts";
import { check, h, set } from "../dom.ts";
import { Mistake, type Field } from "../field.ts";
import { fieldOf } from "../form.ts";
import type { Schema } from "../schema.ts";
import { targetField, type Known } from "../target.ts";

/** The route of the plain notification. */
export const PLAIN = "v1/notifications";
/** The fields under "More". */
const SELDOM = ["metadata", "ttl", "except"];

/** A route that sends. */
export interface Kind {
  path: string;
  summary: string;
  about: string;
  schema: Schema;
  /** The schemas that it refers to, by name. */
  schemas: Record<string, Schema>;
  example: any;
}

/** Reads the routes that send from the description of the API, into kinds and its select. */
export async function readKinds(kinds: Map<string, Kind>, choice: HTMLSelectElement) {
  const { paths, components: { schemas } } = await openapi();
  const names: string[] = [];
  for (const [path, item] of Object.entries<any>(paths)) {
    const media = path.startsWith(`/${PLAIN}`) &&
      item.post?.requestBody?.content["application/json"];
    if (!media) continue;
    const { $ref } = media.schema.anyOf?.[0] ?? media.schema;
    const name = path.slice(1);
    kinds.set(name, {
      path: name,
      schemas,
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

/** The form of a kind. */
export interface Composed {
  path: string;
  fields: Field[];
  parts: HTMLElement[];
  seldom: HTMLElement;
  needed: string[];
  example: any;
}

/** Makes the form of a kind. known: suggestions for its target. */
export function compose({ path, schema, schemas, about, example }: Kind, known: Known): Composed {
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
      : fieldOf(name, properties[name]!, schemas, required.includes(name), example[name]);
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
export function bodyOf({ fields }: Composed, wrong: (mistake: Mistake) => void): string {
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
