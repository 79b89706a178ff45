// Fields made from a schema. Each returns its value as JSON text, so that a number goes out as it
// was typed.

import { h, newId, say, select, set } from "./dom.ts";
import { resolve, shapeOf, type Schema } from "./schema.ts";
import { words } from "./text.ts";

/** A field of the form. */
export interface Field {
  root: HTMLElement;
  /** The path of the field in the request, such as `data.amount`. */
  path: string;
  /** Returns the JSON; undefined when the field is empty. Throws a {@link Mistake}. */
  value(): string | undefined;
  /** Sets the value; undefined empties the field. */
  fill(value: unknown): void;
  /** Shows an error at the field; "" removes it. */
  mark(text: string): void;
  focus(): void;
  /** The fields inside, of an object. */
  fields?: Field[];
}

/** An error in a field, found before the request. */
export class Mistake extends Error {
  constructor(readonly field: Field, message: string) {
    super(message);
  }
}

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/**
 * Returns the field of a property. example: its value in the example of the API, for a placeholder.
 */
export function fieldOf(
  path: string,
  schema: Schema,
  all: Record<string, Schema>,
  required: boolean,
  example?: unknown,
): Field {
  const resolved = resolve(schema, all);
  const shape = shapeOf(resolved);
  if (shape === "object") return objectField(path, resolved, all);
  const name = path.split(".").at(-1)!;
  const { description = "", maximum, minimum, format } = resolved;
  switch (shape) {
    case "choice": {
      const none = required ? {} : { "": "not given" };
      const control = select({
        ...none,
        ...Object.fromEntries(resolved.enum!.map((one) => [one, one])),
      });
      return leaf(
        path,
        name,
        description,
        control,
        required,
        () => control.value && JSON.stringify(control.value),
      );
    }
    case "number": {
      const control = h("input", {
        type: "number",
        step: "any",
        min: minimum,
        max: maximum,
        inputmode: "decimal",
      });
      return leaf(path, name, description, control, required, (mistake) => {
        if (control.validity.badInput) throw mistake("this is not a number");
        return control.value;
      });
    }
    case "flag": {
      const control = select({ "": "not given", true: "yes", false: "no" });
      return leaf(path, name, description, control, required, () => control.value);
    }
    case "list": {
      const control = h("input", { placeholder: "comma-separated", spellcheck: "false" });
      return leaf(
        path,
        name,
        description,
        control,
        required,
        () => control.value.trim() && JSON.stringify(words(control.value)),
      );
    }
    case "json":
      return jsonField(path, name, description, required, resolved.type !== undefined);
    default: {
      const control = h("input", {
        placeholder: format === "date-time"
          ? "2026-11-22T10:00:00Z"
          : typeof example === "string" && required
          ? example
          : "",
        spellcheck: "false",
        autocomplete: "off",
      });
      return leaf(
        path,
        name,
        description,
        control,
        required,
        () => control.value && JSON.stringify(control.value),
      );
    }
  }
}

/** Returns a field for JSON. onlyObject: the value must be an object. */
export function jsonField(
  path: string,
  name: string,
  hint: string,
  required: boolean,
  onlyObject: boolean,
): Field {
  const control = h("textarea", {
    rows: 4,
    spellcheck: "false",
    placeholder: onlyObject ? "{}" : "null",
  });
  const field = leaf(path, name, hint, control, required, (mistake) => {
    const text = control.value.trim();
    if (!text) return "";
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw mistake(`this is not JSON: ${(error as Error).message}`);
    }
    if (onlyObject && (typeof value !== "object" || value === null || Array.isArray(value)))
      throw mistake("this is JSON, but not an object: {…}");
    return text;
  });
  field.root.classList.add("wide");
  return {
    ...field,
    fill: (value) => {
      control.value = value === undefined ? "" : JSON.stringify(value, null, 1);
    },
  };
}

/** Returns a field with one control. text: returns its JSON, "" when it is empty. */
function leaf(
  path: string,
  name: string,
  hint: string,
  control: Control,
  required: boolean,
  text: (mistake: (text: string) => Mistake) => string,
): Field {
  const id = newId();
  const error = h("span", { class: "error", id: `${id}e` }),
    about = h("span", { class: "hint", id: `${id}h` }, hint);
  set(control, {
    id,
    name: path,
    "aria-describedby": `${id}h ${id}e`,
    "aria-required": required && "true",
  });
  const field: Field = {
    path,
    root: h(
      "div",
      { class: hint.length > 70 ? "field wide" : "field" },
      h(
        "label",
        { for: id, class: "label" },
        name,
        required && h("span", { class: "req", "aria-hidden": "true" }, " *"),
      ),
      control,
      error,
      about,
    ),
    value() {
      const json = text((message) => new Mistake(field, message));
      if (!json && required) throw new Mistake(field, "this is needed");
      return json || undefined;
    },
    fill(value) {
      control.value = value === undefined
        ? ""
        : Array.isArray(value)
        ? value.join(", ")
        : String(value);
      if (control instanceof HTMLSelectElement && control.selectedIndex === -1)
        control.selectedIndex = 0;
    },
    mark(message) {
      say(error, message);
      set(control, { "aria-invalid": message && "true" });
    },
    focus: () => control.focus(),
  };
  control.addEventListener("input", () => field.mark(""));
  return field;
}

/** Returns the fields of an object: its known properties, and one field for all others. */
function objectField(path: string, schema: Schema, all: Record<string, Schema>): Field {
  const fields = Object.entries(schema.properties!).map(([name, one]) =>
    fieldOf(`${path}.${name}`, one, all, schema.required?.includes(name) ?? false)
  );
  const rest = jsonField(
    path,
    "further fields",
    "JSON, for properties without a field",
    false,
    true,
  );
  return {
    path,
    fields: [...fields, rest],
    root: h(
      "fieldset",
      { class: "wide" },
      h("legend", {}, path),
      h("div", { class: "fields" }, ...fields.map(({ root }) => root), rest.root),
    ),
    value() {
      const parts = fields.map((field) =>
        [field.path.slice(path.length + 1), field.value()] as const
      ).filter(([, json]) => json !== undefined);
      const inner = parts.map(([name, json]) => `${JSON.stringify(name)}: ${json}`);
      const further = rest.value()?.trim().slice(1, -1).trim();
      if (further) inner.push(further);
      return inner.length ? `{${inner.join(", ")}}` : undefined;
    },
    fill(value) {
      const known = value as Record<string, unknown> ?? {};
      for (const field of fields) field.fill(known[field.path.slice(path.length + 1)]);
      const others = Object.entries(known).filter(([name]) => !(name in schema.properties!));
      rest.fill(others.length ? Object.fromEntries(others) : undefined);
    },
    mark: (text) => rest.mark(text),
    focus: () => rest.focus(),
  };
}

/** Returns the field that an error of the API names: the one with the longest matching path. */
export function fieldAt(fields: Field[], path: string): Field | undefined {
  const all = fields.flatMap((field) => [...field.fields ?? [], field]);
  const leads = ({ path: own }: Field) =>
    path === own || path.startsWith(`${own}.`) || path.startsWith(`${own}[`);
  return all.filter(leads).sort((a, b) => b.path.length - a.path.length)[0];
}
