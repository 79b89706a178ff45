// What the views have in common: headings, messages, tables and links.

import { key, lineOf, type Problem } from "./api.ts";
import { button, h, say, set } from "./dom.ts";

/**
 * One page of the console. It is made at the first visit and kept, so that its connections stay
 * open in the background.
 */
export interface View {
  title: string;
  root: HTMLElement;
  /** Called when the view is shown. params: the query of the address. */
  show?(params: URLSearchParams): void;
  hide?(): void;
}

/** Returns the section of a view. Its heading gets the focus when the view is shown. */
export function section(
  title: string,
  hint: string,
  tools: (Node | string)[],
  ...children: (Node | string)[]
): HTMLElement {
  return h(
    "section",
    { class: "view" },
    h(
      "div",
      { class: "head" },
      h("div", {}, h("h2", { tabindex: -1 }, title), h("p", { class: "hint" }, hint)),
      h("div", { class: "row" }, ...tools),
    ),
    ...children,
  );
}

/** A line with the last result, which screen readers announce. */
export class Note {
  readonly root = h("p", { class: "note", role: "status" });

  say(text: string, bad = false): void {
    this.root.classList.toggle("bad", bad);
    say(this.root, text);
  }

  /**
   * Shows a problem, with a button for the key if that may solve it. Without a problem it clears
   * the last one.
   */
  problem(problem: Problem | undefined, before = ""): void {
    if (!problem) {
      if (this.root.classList.contains("bad")) this.say("");
      return;
    }
    const missing = problem.status === 401 && !key.value;
    this.say(before + (missing ? "This needs an API key." : lineOf(problem)), true);
    if (problem.status === 401 || problem.status === 403)
      this.root.append(
        " ",
        button(missing ? "Enter it" : "Use another", askForKey, { class: "small" }),
      );
  }
}

/** Returns the address of a view. */
export const to = (view: string, params: Record<string, string> = {}): string => {
  const query = new URLSearchParams(params).toString();
  return `#/${view}${query && `?${query}`}`;
};

/** Returns a link to a view. */
export const link = (
  text: string,
  view: string,
  params: Record<string, string> = {},
): HTMLElement => h("a", { href: to(view, params) }, text);

const field = h("input", {
  type: "password",
  autocomplete: "off",
  spellcheck: "false",
  name: "key",
  "aria-describedby": "key-hint",
});
const dialog = h(
  "dialog",
  { "aria-labelledby": "key-title" },
  h(
    "form",
    {
      method: "dialog",
      onsubmit: (event: Event) => {
        event.preventDefault();
        finish(field.value.trim());
      },
    },
    h("h2", { id: "key-title" }, "API key"),
    h(
      "p",
      { class: "hint", id: "key-hint" },
      "One of API_KEYS, or the key that the server prints at each start when API_KEYS is not set. Only this tab keeps it.",
    ),
    h("label", {}, h("span", { class: "label" }, "Key"), field),
    h(
      "div",
      { class: "row end" },
      button("Forget it", () => finish("")),
      button("Cancel", () => dialog.close()),
      h("button", { class: "primary" }, "Use it"),
    ),
  ),
);

function finish(value: string) {
  dialog.close();
  key.value = value;
}

/** Opens the form for the API key. */
export function askForKey(): void {
  if (!dialog.isConnected) document.body.append(dialog);
  field.value = key.value;
  if (!dialog.open) dialog.showModal();
}

/** Returns a table with headings. Narrow pages show it as cards. */
export function table(
  caption: string,
  headings: string[],
): { root: HTMLElement; body: HTMLTableSectionElement } {
  // The roles are explicit because some browsers drop those of a table in a layout of cards.
  const body = h("tbody", { role: "rowgroup" });
  const root = h(
    "table",
    { role: "table" },
    h("caption", { class: "unseen" }, caption),
    h(
      "thead",
      { role: "rowgroup" },
      h(
        "tr",
        { role: "row" },
        ...headings.map((text) => h("th", { scope: "col", role: "columnheader" }, text)),
      ),
    ),
    body,
  );
  return { root: h("div", { class: "card scroll" }, root), body };
}

/** Returns a cell. label: shown before its content in the layout of cards. */
export function cell(label: string, ...children: (Node | string)[]): HTMLTableCellElement {
  const node = h("td", { role: "cell" }, h("div", {}, ...children));
  set(node, { "data-label": label });
  return node;
}
