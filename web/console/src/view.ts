// What the views have in common: a heading, a line of news, and the way to the next view.

import { key, told, type Problem } from "./api.ts";
import { button, h, say, set } from "./dom.ts";

/** One page of the console. It is made at its first visit and kept: what it connects goes on while another is shown. */
export interface View {
  title: string;
  root: HTMLElement;
  /** It comes into sight, with what stands after the `?` of the address. */
  show?(params: URLSearchParams): void;
  hide?(): void;
}

/** The section of a view, with its heading, which gets the focus when one comes to it. */
export function section(title: string, hint: string, tools: (Node | string)[], ...children: (Node | string)[]): HTMLElement {
  return h("section", { class: "view" },
    h("div", { class: "head" }, h("div", {}, h("h2", { tabindex: -1 }, title), h("p", { class: "hint" }, hint)), h("div", { class: "row" }, ...tools)),
    ...children);
}

/** A line that says what happened, read out to those who cannot see it. */
export class Note {
  readonly root = h("p", { class: "note", role: "status" });

  say(text: string, bad = false): void {
    this.root.classList.toggle("bad", bad);
    say(this.root, text);
  }

  /** Shows a problem, and the way out of those that another key mends. Without one it clears what a problem said. */
  problem(problem: Problem | undefined, before = ""): void {
    if (!problem) {
      if (this.root.classList.contains("bad")) this.say("");
      return;
    }
    const missing = problem.status === 401 && !key.value;
    this.say(before + (missing ? "This needs an API key." : told(problem)), true);
    if (problem.status === 401 || problem.status === 403) this.root.append(" ", button(missing ? "Enter it" : "Use another", askForKey, { class: "small" }));
  }
}

/** The address of a view. */
export const to = (view: string, params: Record<string, string> = {}): string => {
  const query = new URLSearchParams(params).toString();
  return `#/${view}${query && `?${query}`}`;
};

/** A link to a view. */
export const link = (text: string, view: string, params: Record<string, string> = {}): HTMLElement => h("a", { href: to(view, params) }, text);

const field = h("input", { type: "password", autocomplete: "off", spellcheck: "false", name: "key", "aria-describedby": "key-hint" });
const dialog = h("dialog", { "aria-labelledby": "key-title" },
  h("form", { method: "dialog", onsubmit: (event: Event) => { event.preventDefault(); finish(field.value.trim()); } },
    h("h2", { id: "key-title" }, "API key"),
    h("p", { class: "hint", id: "key-hint" }, "One of API_KEYS, or the key that the server printed when it started: another one each time, unless API_KEYS is set. It stays in this tab and is forgotten with it."),
    h("label", {}, h("span", { class: "label" }, "Key"), field),
    h("div", { class: "row end" },
      button("Forget it", () => finish("")), button("Cancel", () => dialog.close()), h("button", { class: "primary" }, "Use it"))));

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

/** A table with headings, which narrow pages show as cards. */
export function table(caption: string, headings: string[]): { root: HTMLElement; body: HTMLTableSectionElement } {
  // Roles are named because a table that is laid out as cards loses its own in some browsers.
  const body = h("tbody", { role: "rowgroup" });
  const root = h("table", { role: "table" }, h("caption", { class: "unseen" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...headings.map((text) => h("th", { scope: "col", role: "columnheader" }, text)))), body);
  return { root: h("div", { class: "card scroll" }, root), body };
}

/** A cell with a box for what is in it; label stands before it where the table is shown as cards. */
export function cell(label: string, ...children: (Node | string)[]): HTMLTableCellElement {
  const node = h("td", { role: "cell" }, h("div", {}, ...children));
  set(node, { "data-label": label });
  return node;
}
