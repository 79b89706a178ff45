// A bounded list of events, painted at most once per frame.

import { add, h, set } from "./dom.ts";
import { cut, json, time } from "./text.ts";

/** The events about the connection, which are not notifications. */
const CONTROL = new Set([
  "connected",
  "disconnect",
  "gap",
  "recovery",
  "heartbeat",
  "subscribed",
  "unsubscribed",
  "auth:expiring",
  "auth:expired",
  "auth:refreshed",
  "error",
  "overloaded",
]);

/** How much of an open event is shown, in characters. */
const LONGEST = 20_000;

/** One event in the list. */
export interface Entry {
  name: string;
  /** The id in the server's log; "" without one. */
  id: string;
  control: boolean;
  tags: string[];
  channels: string[];
  at: number;
  published: string;
  /** The text of the row: the data, or the payload of a control event. */
  text: string;
  /** The whole event, for the open row. */
  whole: unknown;
}

/** Returns the entry for the arguments of a handler. */
export function entryOf(name: string, value: any): Entry {
  const control = CONTROL.has(name);
  const { channel, channels } = control ? {} as any : value?.metadata ?? {};
  const shown = value instanceof Error
    ? { code: (value as any).code, message: value.message }
    : value;
  return {
    name: control ? name : String(value?.type ?? name),
    control,
    tags: [],
    at: Date.now(),
    id: control ? "" : value?.id ?? "",
    published: control ? "" : value?.timestamp ?? "",
    channels: [channels ?? channel ?? []].flat().filter((one: unknown) => typeof one === "string"),
    text: json(control ? shown : value?.data),
    whole: control
      ? shown
      : {
        id: value?.id,
        type: value?.type,
        data: value?.data,
        timestamp: value?.timestamp,
        metadata: value?.metadata,
      },
  };
}

export class Log {
  readonly root: HTMLElement;
  /** The number of entries, including those that the filter hides. */
  size = 0;
  #list = h("ol");
  #entries: { entry: Entry; row: HTMLElement }[] = [];
  #waiting: Entry[] = [];
  #frame = 0;
  #held = false;
  #wanted: (entry: Entry) => boolean = () => true;

  /** most: the number of entries kept. painted: called after each change. */
  constructor(
    label: string,
    empty: string,
    private readonly most: number,
    private readonly painted: () => void = () => {},
  ) {
    this.root = h(
      "div",
      { class: "log", role: "log", "aria-label": label, tabindex: 0 },
      this.#list,
    );
    set(this.root, { "data-empty": empty });
  }

  push(entry: Entry): void {
    this.#waiting.push(entry);
    if (this.#waiting.length > this.most) this.#waiting.shift();
    this.#frame ||= requestAnimationFrame(() => this.#paint());
  }

  /** The number of entries that wait while the list is paused, at most as many as are kept. */
  get held(): number {
    return this.#held ? this.#waiting.length : 0;
  }

  /** Pauses or resumes the list. While it is paused, new entries wait; the oldest are dropped. */
  hold(held: boolean): void {
    this.#held = held;
    this.#paint();
  }

  /** Shows only the wanted entries. */
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

  /** The number of entries that the filter shows. */
  get shown(): number {
    return this.#entries.filter(({ row }) => !row.hidden).length;
  }

  /** Returns the rows of one id. */
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
  const when = h("time", {
    datetime: new Date(at).toISOString(),
    title: published && `published ${published}`,
  }, time(at));
  const names = h("span", { class: "name" }, h("b", { class: "type" }, name));
  for (const tag of tags) add(names, h("span", { class: `tag ${tag.split(" ")[0]}` }, tag));
  for (const channel of channels)
    add(names, h("span", { class: "tag channel", title: `channel ${channel}` }, channel));
  const details = h(
    "details",
    {
      ontoggle: () => {
        // Encoded when the row opens for the first time.
        if (details.open && details.childElementCount === 1)
          add(
            details,
            h("pre", {}, cut(json(whole, 2), LONGEST)),
          );
      },
    },
    h(
      "summary",
      {},
      when,
      names,
      h("code", { class: "id" }, id),
      h("span", { class: "data" }, cut(text, 2000)),
    ),
  );
  const row = h("li", { class: control ? "event control" : "event", hidden }, details);
  Object.assign(row.dataset, { id, type: name, tags: tags.join(",") });
  return row;
}
