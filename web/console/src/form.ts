// Fields made from a schema. Each returns its value as JSON text, so that a number goes out as it
// was typed.

import { h, select } from "./dom.ts";
import { jsonField, leaf, type Field } from "./field.ts";
import { containerOf, resolve, shapeOf, type Schema } from "./schema.ts";
import { words } from "./text.ts";

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
      return jsonField(path, name, description, required, containerOf(resolved));
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
    "object",
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
