// A field of a form: a control, its label, its hint and its error.

import { h, newId, say, set } from "./dom.ts";

/** A field of a form. */
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

/** Returns a field with one control. text: returns its JSON, "" when it is empty. */
export function leaf(
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

/** The values that a field for JSON takes. */
export type Container = "object" | "array" | "any";

/** Returns a field for JSON. container: what the value must be. */
export function jsonField(
  path: string,
  name: string,
  hint: string,
  required: boolean,
  container: Container,
): Field {
  const control = h("textarea", {
    rows: 4,
    spellcheck: "false",
    placeholder: { object: "{}", array: "[]", any: "null" }[container],
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
    if (container === "array" && !Array.isArray(value))
      throw mistake("this is JSON, but not an array: […]");
    if (
      container === "object" &&
      (typeof value !== "object" || value === null || Array.isArray(value))
    ) throw mistake("this is JSON, but not an object: {…}");
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
