// Elements and text. Nothing here makes markup of text: the page shows what others published.

type Handler = (event: any) => void;
type Props = Record<string, string | number | boolean | undefined | Handler>;
export type Child = Node | string | number | false | null | undefined;

/** An element with attributes and children. A function given as `onclick` and the like becomes a listener. */
export function h<Name extends keyof HTMLElementTagNameMap>(name: Name, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[Name] {
  const node = document.createElement(name);
  set(node, props);
  add(node, ...children);
  return node;
}

/** Sets attributes; one that is false or undefined is taken away. */
export function set(node: Element, props: Props): void {
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value === undefined || value === false) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Appends what there is to append. */
export function add(node: ParentNode, ...children: Child[]): void {
  for (const child of children) {
    if (child !== false && child !== null && child !== undefined) node.append(typeof child === "number" ? String(child) : child);
  }
}

/** Sets the text of a node, unless it is there already: what did not change is not announced again. */
export function say(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

let count = 0;

/** An id for an element that another refers to. */
export const newId = (): string => `x${++count}`;

/** A field with its label around it. */
export function labelled(text: string, field: HTMLElement, hint = ""): HTMLLabelElement {
  return h("label", {}, h("span", { class: "label" }, text, hint && h("small", {}, ` ${hint}`)), field);
}

/** A checkbox with its label. */
export function check(text: string, checked: boolean, onchange: (checked: boolean) => void): HTMLLabelElement {
  const box = h("input", { type: "checkbox", checked, onchange: () => onchange(box.checked) });
  return h("label", { class: "check" }, box, text);
}

/** A select with options given as value → label. */
export function select(options: Record<string, string>, props: Props = {}): HTMLSelectElement {
  return h("select", props, ...Object.entries(options).map(([value, label]) => h("option", { value }, label)));
}

/** A button that does nothing when a form is sent. */
export function button(text: string, onclick: () => void, props: Props = {}): HTMLButtonElement {
  return h("button", { type: "button", onclick, ...props }, text);
}

/** A button that asks once more before it does what cannot be undone. */
export function risky(text: string, sure: string, run: () => void, props: Props = {}): HTMLElement {
  const ask = button(text, () => turn(true), props);
  const yes = button(sure, () => { turn(false); run(); }, { class: "danger" });
  const no = button("Keep", () => turn(false));
  const root = h("span", { class: "risky" }, ask);
  function turn(asking: boolean) {
    root.replaceChildren(...(asking ? [yes, no] : [ask]));
    (asking ? yes : ask).focus();
  }
  set(root, { onkeydown: (event: KeyboardEvent) => event.key === "Escape" && yes.isConnected && turn(false) });
  return root;
}

/** A button that copies a text; where the page may not, it says so. */
export function copier(text: () => string, label = "Copy"): HTMLButtonElement {
  const self = button(label, async () => {
    const done = await navigator.clipboard?.writeText(text()).then(() => true, () => false);
    self.textContent = done ? "Copied" : "Select it and copy by hand";
    setTimeout(() => { self.textContent = label; }, 1500);
  }, { class: "small", "aria-live": "polite" });
  return self;
}

/** A row, or whatever stands for one item of a {@link List}. */
export interface Item<T> {
  root: Element | DocumentFragment;
  /** The elements of it, in order; root when left out. */
  nodes?: Element[];
  update(item: T): void;
}

/** Keeps the children of a node in step with a list, by key, so that focus and selection survive a refresh. */
export class List<T> {
  #items = new Map<string, Item<T>>();

  constructor(readonly parent: Element, private readonly key: (item: T) => string, private readonly make: (item: T) => Item<T>) {}

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
