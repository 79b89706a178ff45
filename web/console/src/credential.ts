// The common parts of the forms for a ticket and a token.

import { copier, h } from "./dom.ts";

/** Returns an input for text. */
export const text = (name: string, value = "", placeholder = "") =>
  h("input", { name, value, placeholder, spellcheck: "false", autocomplete: "off" });

/** Returns a hidden area for a credential, and for a command that uses it. */
export function output(label: string, ...actions: HTMLElement[]) {
  const made = h("pre", { class: "block", tabindex: 0, "aria-label": label }),
    use = h("pre", { class: "block", tabindex: 0, "aria-label": "How to try it" });
  const root = h(
    "div",
    { class: "form", hidden: true },
    h(
      "div",
      { class: "row apart" },
      h("h3", {}, label),
      h("div", { class: "row" }, copier(() => made.textContent!), ...actions),
    ),
    made,
    use,
  );
  return { root, made, use };
}
