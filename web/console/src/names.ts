// A list of names to add and remove, such as the channels of a connection.

import { button, h, newId } from "./dom.ts";
import { words } from "./text.ts";

export interface Names {
  root: HTMLElement;
  readonly values: string[];
  /** Adds or removes names without calling the listener. */
  put(...names: string[]): void;
  drop(...names: string[]): void;
  suggest(names: readonly string[]): void;
}

/** changed: called with the names that the user adds or removes. */
export function nameList(
  label: string,
  add: string,
  changed: (joined: string[], left: string[]) => void,
): Names {
  const held = new Set<string>();
  const options = h("datalist", { id: newId() });
  const field = h("input", {
    name: "channel",
    "aria-label": label,
    maxlength: 2000,
    placeholder: "orders, news",
    spellcheck: "false",
    autocomplete: "off",
    list: options.id,
  });
  const list = h("ul", { class: "chips", "aria-label": label });

  function paint() {
    list
      .replaceChildren(...[...held].map((name) =>
        h(
          "li",
          { class: "chip" },
          name,
          button("×", () => {
            held.delete(name);
            paint();
            field.focus();
            changed([], [name]);
          }, { "aria-label": `Leave ${name}`, title: "Leave" }),
        )
      ));
  }

  const root = h(
    "form",
    {
      class: "field",
      autocomplete: "off",
      onsubmit: (event: Event) => {
        event.preventDefault();
        const names = words(field.value).filter((name) => !held.has(name));
        field.value = "";
        for (const name of names) held.add(name);
        paint();
        if (names.length) changed(names, []);
      },
    },
    h("span", { class: "label" }, label),
    h("div", { class: "inline" }, field, h("button", {}, add)),
    list,
    options,
  );

  return {
    root,
    get values() {
      return [...held];
    },
    put(...names) {
      for (const name of names) held.add(name);
      paint();
    },
    drop(...names) {
      for (const name of names) held.delete(name);
      paint();
    },
    suggest: (names) => options.replaceChildren(...names.map((value) => h("option", { value }))),
  };
}
