// A list of events, bounded, painted at most once a frame.

import { add, h, set } from "./dom.ts";
import { cut, json, time } from "./text.ts";

/** The events by which server and client speak of the connection. */
const CONTROL = new Set(["connected", "disconnect", "gap", "recovery", "heartbeat", "subscribed", "unsubscribed", "auth:expiring",
  "auth:expired", "auth:refreshed", "error", "overloaded"]);

const LONGEST = 20_000; // characters of an event that is opened

/** One event as it is shown. */
export interface Entry {
  name: string;
  /** Of the log; "" without one. */
  id: string;
  control: boolean;
  tags: string[];
  channels: string[];
  at: number;
  published: string;
  /** What is shown in the line: the data, or the payload of a control event. */
  text: string;
  /** All of it. */
  whole: unknown;
}

/** Makes an entry of what a handler got. */
export function entryOf(name: string, value: any): Entry {
  const control = CONTROL.has(name);
  const { channel, channels } = control ? {} as any : value?.metadata ?? {};
  const shown = value instanceof Error ? { code: (value as any).code, message: value.message } : value;
  return {
    name: control ? name : String(value?.type ?? name), control, tags: [], at: Date.now(),
    id: control ? "" : value?.id ?? "", published: control ? "" : value?.timestamp ?? "",
    channels: [channels ?? channel ?? []].flat().filter((one: unknown) => typeof one === "string"),
    text: json(control ? shown : value?.data), whole: control ? shown : { id: value?.id, type: value?.type, data: value?.data, timestamp: value?.timestamp, metadata: value?.metadata },
  };
}

export class Log {
  readonly root: HTMLElement;
  /** How many there are, those that a filter hides included. */
  size = 0;
  #list = h("ol");
  #entries: { entry: Entry; row: HTMLElement }[] = [];
  #waiting: Entry[] = [];
  #frame = 0;
  #held = false;
  #wanted: (entry: Entry) => boolean = () => true;

  /** most: entries kept. painted is called after each change. */
  constructor(label: string, empty: string, private readonly most: number, private readonly painted: () => void = () => {}) {
    this.root = h("div", { class: "log", role: "log", "aria-label": label, tabindex: 0 }, this.#list);
    set(this.root, { "data-empty": empty });
  }

  push(entry: Entry): void {
    this.#waiting.push(entry);
    if (this.#waiting.length > this.most) this.#waiting.shift();
    this.#frame ||= requestAnimationFrame(() => this.#paint());
  }

  /** How many came since it was told to hold still, at most as many as are kept. */
  get held(): number {
    return this.#held ? this.#waiting.length : 0;
  }

  /** Holds still: what comes waits, and the oldest of it is dropped when it is too much. */
  hold(held: boolean): void {
    this.#held = held;
    this.#paint();
  }

  /** Shows only some. */
  filter(wanted: (entry: Entry) => boolean): void {
    this.#wanted = wanted;
    for (const { entry, row } of this.#entries) row.hidden = !wanted(entry);
    this.painted();
  }

  clear(): void {
    this.#waiting = [];
    this.#entries = [];
    this.#list.replaceChildren();
    this.#paint();
  }

  /** How many a filter leaves. */
  get shown(): number {
    return this.#entries.filter(({ row }) => !row.hidden).length;
  }

  /** The rows of one id. */
  rows(id: string): HTMLElement[] {
    return this.#entries.filter(({ entry }) => entry.id === id).map(({ row }) => row);
  }

  #paint() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#held) return this.painted();
    const { root } = this;
    const atEnd = root.scrollHeight - root.scrollTop - root.clientHeight < 40;
    const rows = this.#waiting.map((entry) => ({ entry, row: rowOf(entry, !this.#wanted(entry)) }));
    this.#waiting = [];
    this.#list.append(...rows.map(({ row }) => row));
    this.#entries.push(...rows);
    for (const { row } of this.#entries.splice(0, this.#entries.length - this.most)) row.remove();
    this.size = this.#entries.length;
    if (atEnd) root.scrollTop = root.scrollHeight;
    this.painted();
  }
}

function rowOf(entry: Entry, hidden: boolean): HTMLElement {
  const { name, id, control, tags, channels, at, published, text, whole } = entry;
  const when = h("time", { datetime: new Date(at).toISOString(), title: published && `published ${published}` }, time(at));
  const names = h("span", { class: "name" }, h("b", { class: "type" }, name));
  for (const tag of tags) add(names, h("span", { class: `tag ${tag.split(" ")[0]}` }, tag));
  for (const channel of channels) add(names, h("span", { class: "tag channel", title: `channel ${channel}` }, channel));
  const details = h("details", { ontoggle: () => {
    // What nobody opens is not written out.
    if (details.open && details.childElementCount === 1) add(details, h("pre", {}, cut(json(whole, 2), LONGEST)));
  } }, h("summary", {}, when, names, h("code", { class: "id" }, id), h("span", { class: "data" }, cut(text, 2000))));
  const row = h("li", { class: control ? "event control" : "event", hidden }, details);
  Object.assign(row.dataset, { id, type: name, tags: tags.join(",") });
  return row;
}
