// Elements and text. No function turns text into markup, because the page shows what others
// publish.

type Handler = (event: any) => void;
type Props = Record<string, string | number | boolean | undefined | Handler>;
export type Child = Node | string | number | false | null | undefined;

/**
 * Returns an element with attributes and children. A function, such as `onclick`, becomes a
 * listener.
 */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const node = document.createElement(name);
  set(node, props);
  add(node, ...children);
  return node;
}

/** Sets attributes, and removes those that are false or undefined. */
export function set(node: Element, props: Props): void {
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value === undefined || value === false) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Appends the children that are not empty. */
export function add(node: ParentNode, ...children: Child[]): void {
  for (const child of children) {
    if (child !== false && child !== null && child !== undefined)
      node.append(typeof child === "number" ? String(child) : child);
  }
}

/** Sets the text of a node if it changed: screen readers announce each text that is set. */
export function say(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

let count = 0;

/** Returns an id for an element that another one refers to. */
export const newId = (): string => `x${++count}`;

/** Returns a field inside its label. */
export function labelled(text: string, field: HTMLElement, hint = ""): HTMLLabelElement {
  return h(
    "label",
    {},
    h("span", { class: "label" }, text, hint && h("small", {}, ` ${hint}`)),
    field,
  );
}

/** Returns a checkbox with its label. */
export function check(
  text: string,
  checked: boolean,
  onchange: (checked: boolean) => void,
): HTMLLabelElement {
  const box = h("input", { type: "checkbox", checked, onchange: () => onchange(box.checked) });
  return h("label", { class: "check" }, box, text);
}

/** Returns a select. options: labels by value. */
export function select(options: Record<string, string>, props: Props = {}): HTMLSelectElement {
  return h(
    "select",
    props,
    ...Object.entries(options).map(([value, label]) => h("option", { value }, label)),
  );
}

/** Returns a button that does not submit its form. */
export function button(text: string, onclick: () => void, props: Props = {}): HTMLButtonElement {
  return h("button", { type: "button", onclick, ...props }, text);
}

/** Returns a button that asks for confirmation before an action that cannot be undone. */
export function risky(text: string, sure: string, run: () => void, props: Props = {}): HTMLElement {
  const ask = button(text, () => turn(true), props);
  const yes = button(sure, () => {
    turn(false);
    run();
  }, { class: "danger" });
  const no = button("Keep", () => turn(false));
  const root = h("span", { class: "risky" }, ask);
  function turn(asking: boolean) {
    root.replaceChildren(...(asking ? [yes, no] : [ask]));
    (asking ? yes : ask).focus();
  }
  set(root, {
    onkeydown: (event: KeyboardEvent) => event.key === "Escape" && yes.isConnected && turn(false),
  });
  return root;
}

/** Returns a button that copies a text, and says so where the browser does not allow it. */
export function copier(text: () => string, label = "Copy"): HTMLButtonElement {
  const self = button(label, async () => {
    const done = await navigator.clipboard?.writeText(text()).then(() => true, () => false);
    self.textContent = done ? "Copied" : "Select it and copy by hand";
    setTimeout(() => {
      self.textContent = label;
    }, 1500);
  }, { class: "small", "aria-live": "polite" });
  return self;
}

/** The elements of one item of a {@link List}, such as a row. */
export interface Item<T> {
  root: Element | DocumentFragment;
  /** The elements, in order (default: root). */
  nodes?: Element[];
  update(item: T): void;
}

/**
 * Updates the children of a node from a list, by key, so that focus and selection survive a
 * refresh.
 */
export class List<T> {
  #items = new Map<string, Item<T>>();

  constructor(
    readonly parent: Element,
    private readonly key: (item: T) => string,
    private readonly make: (item: T) => Item<T>,
  ) {}

  update(items: readonly T[]): void {
    const wanted = new Set(items.map(this.key));
    for (const [key, item] of this.#items) {
      if (wanted.has(key)) continue;
      for (const node of nodesOf(item)) node.remove();
      this.#items.delete(key);
    }
    let next = this.parent.firstElementChild;
    for (const value of items) {
      const key = this.key(value);
      let item = this.#items.get(key);
      if (!item) this.#items.set(key, item = this.make(value));
      item.update(value);
      for (const node of nodesOf(item)) {
        if (node === next) next = next.nextElementSibling;
        else this.parent.insertBefore(node, next);
      }
    }
  }
}

function nodesOf<T>(item: Item<T>): Element[] {
  return item.nodes ?? [item.root as Element];
}
