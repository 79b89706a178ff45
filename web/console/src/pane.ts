// One side of the try-out: a transport, its buttons, its position in the log, and the events
// received.

import { connect, type Client, type Options, type Status, type Transport } from "roomcast";
import { base } from "./api.ts";
import { button, h, labelled, say, select, set } from "./dom.ts";
import { Line } from "./line.ts";
import { entryOf, Log } from "./log.ts";
import { number } from "./text.ts";

const KEPT = 500;
const COUNTERS = {
  received: "Received",
  replayed: "Replayed",
  gaps: "Gaps",
  disorder: "Out of order",
};

export interface PaneOptions {
  transport: Transport;
  title: string;
  moveLabel: string;
  /** Returns the identity and the address. */
  who(): Options;
  /** Disconnects this side and resumes on the other. */
  move(): void;
  /** Called when the client or its state may have changed. */
  changed(): void;
  /** Called when the user opens a row: both sides mark its id. */
  chosen(id: string): void;
}

export class Pane {
  readonly root: HTMLElement;
  client: Client | undefined;
  /** The ids received on this side. */
  readonly ids = new Set<string>();
  #o: PaneOptions;
  #line = new Line();
  #state = h("p", { class: "state", role: "status" }, "not connected");
  #start = select({ after: "after the last id", now: "from now", all: "with everything kept" });
  #buttons: Record<"connect" | "disconnect" | "cut" | "move", HTMLButtonElement>;
  #facts = { client: h("dd"), last: h("dd") };
  #numbers: Record<keyof typeof COUNTERS, HTMLElement>;
  #counts = { received: 0, replayed: 0, gaps: 0, disorder: 0 };
  #replaying = false;
  #seen = "";
  #last = "";
  #log: Log;

  constructor(o: PaneOptions) {
    this.#o = o;
    this.#log = new Log(`${o.title} events`, "Nothing yet.", KEPT, () => this.#paint());
    this.#log.root.addEventListener("toggle", (event) => {
      const { open, parentElement } = event.target as HTMLDetailsElement;
      if (open && parentElement?.dataset.id) o.chosen(parentElement.dataset.id);
    }, true);
    this.#buttons = {
      connect: button("Connect", () => this.connect(), { class: "primary" }),
      disconnect: button("Disconnect", () => this.disconnect()),
      cut: button("Cut the line", () => this.#cutLine(!this.#line.cut), {
        title: "Simulates a lost network: nothing gets through until you restore the line",
      }),
      move: button(o.moveLabel, () => o.move()),
    };
    for (const [name, node] of Object.entries(this.#buttons)) node.dataset.do = name;
    const count = () => h("dd", {}, "0");
    this.#numbers = { received: count(), replayed: count(), gaps: count(), disorder: count() };
    for (
      const [name, node] of Object.entries({
        ...this.#facts,
        ...this.#numbers,
        state: this.#state,
        start: this.#start,
      })
    ) node.dataset.of = name;
    const start = labelled("Start", this.#start);
    start.className = "start";
    const quiet = button("Clear", () => this.#clear(), { class: "small" });
    this.root = h(
      "section",
      { class: "card pane", id: o.transport === "sse" ? "sse" : "socketio", "aria-label": o.title },
      h("div", { class: "row apart" }, h("h3", {}, o.title), this.#state),
      h("div", { class: "row" }, ...Object.values(this.#buttons)),
      start,
      h(
        "dl",
        { class: "ids" },
        h("dt", {}, "Client"),
        this.#facts.client,
        h("dt", {}, "Last id"),
        this.#facts.last,
      ),
      h(
        "dl",
        { class: "numbers" },
        ...Object.entries(COUNTERS).map(([name, label]) =>
          h("div", {}, h("dt", {}, label), this.#numbers[name as "gaps"])
        ),
      ),
      this.#log.root,
      h("div", { class: "row end" }, quiet),
    );
    this.#show();
    this.#paint();
  }

  get status(): Status {
    return this.client?.status ?? "closed";
  }

  get last(): string {
    return this.#last;
  }

  /** Connects from the position in the Start field, or after an id that the other side reached. */
  connect(from?: string): void {
    const since = from ?? { after: this.#last, now: "", all: "0" }[this.#start.value] ?? "";
    this.client?.close();
    this.#replaying = since !== "";
    this.#seen = since === "0" ? "" : since;
    if (!this.#seen) this.#last = "";
    const { transport } = this.#o;
    const client = this.client = connect({
      ...this.#o.who(),
      transport,
      url: base.href,
      pingInterval: 0,
      backoff: { max: 4000 },
      WebSocket: this.#line.WebSocket,
      EventSource: this.#line.EventSource,
      ...(since && { since }),
    });
    client.onAny((name, value) => client === this.client && this.#take(name, value));
    client.onStatus(() => client === this.client && this.#show());
    this.#show();
  }

  disconnect(): void {
    this.client?.close();
  }

  #cutLine(cut: boolean) {
    this.#line.cut = cut;
    if (!cut && this.status !== "closed") this.client!.reconnect();
    this.#show();
  }

  /** Joins and leaves on the open connection. Resolves with the refused channels. */
  async change(join: string[], leave: string[]): Promise<string[]> {
    if (this.status === "closed" || !this.client) return [];
    const { denied } = join.length ? await this.client.join(...join) : { denied: [] };
    if (leave.length) await this.client.leave(...leave);
    return denied;
  }

  /** Marks the rows of an id, and removes other marks. */
  point(id: string): void {
    for (const row of this.root.querySelectorAll(".event.same")) row.classList.remove("same");
    for (const row of this.#log.rows(id)) {
      row.classList.add("same");
      row.scrollIntoView({ block: "nearest" });
    }
  }

  #show() {
    const { status } = this;
    const error = this.client?.error;
    set(this.root, { "data-state": status });
    if (status === "reconnecting") this.#replaying = true;
    const text = {
      connecting: "connecting",
      connected: "connected",
      reconnecting: this.#line.cut ? "the line is cut; trying again" : "reconnecting",
      closed: error ? error.message : "not connected",
    }[status];
    say(this.#state, text);
    const { connect, disconnect, cut, move } = this.#buttons;
    set(connect, { disabled: status !== "closed" });
    for (const node of [disconnect, move]) set(node, { disabled: status === "closed" });
    set(cut, {
      disabled: status === "closed" && !this.#line.cut,
      "aria-pressed": String(this.#line.cut),
    });
    say(cut, this.#line.cut ? "Restore the line" : "Cut the line");
    this.#paint();
    this.#o.changed();
  }

  #take(name: string, value: any) {
    const entry = entryOf(name, value);
    if (name === "heartbeat") return;
    if (name === "gap") {
      this.#count("gaps", `gap ${value?.reason ?? ""}`, entry.tags);
      if (value?.reason === "epoch") this.#seen = ""; // ids may begin again
    }
    if (name === "connected" && value?.recovered) entry.tags.push("recovered");
    if (name === "recovery") {
      this.#replaying = false;
      entry.tags.push(value?.recovered === false ? "not recovered" : "recovered");
    }
    if (!entry.control) {
      this.#counts.received++;
      if (!entry.id) entry.tags.push("volatile");
      else {
        if (this.#replaying) this.#count("replayed", "replayed", entry.tags);
        this.#order(entry.id, entry.tags);
        this.ids.add(entry.id);
      }
    }
    this.#log.push(entry);
  }

  #count(counter: keyof typeof COUNTERS, tag: string, tags: string[]) {
    this.#counts[counter]++;
    tags.push(tag);
  }

  // Ids of one epoch compare as numbers, and grow within a connection. In a cluster a time of 13
  // digits comes first.
  #order(id: string, tags: string[]) {
    const [epoch, seq] = id.split("-"), [before, last] = this.#seen.split("-");
    const falls = epoch === before
      ? Number(seq) <= Number(last)
      : epoch!.length === 13 && before!.length === 13 && epoch! < before!;
    if (falls) this.#count("disorder", "out of order", tags);
    this.#seen = id;
  }

  #paint() {
    this.#last = this.client?.lastId && this.client.lastId !== "0"
      ? this.client.lastId
      : this.#last;
    say(this.#facts.client, this.status === "connected" ? this.client!.clientId ?? "–" : "–");
    say(this.#facts.last, this.#last || "–");
    for (const [name, node] of Object.entries(this.#numbers))
      say(node, number(this.#counts[name as "gaps"]));
    for (const name of ["gaps", "disorder"] as const)
      this.#numbers[name].parentElement?.classList.toggle("bad", this.#counts[name] > 0);
    this.#o.changed();
  }

  #clear() {
    for (const name of Object.keys(this.#counts)) this.#counts[name as "gaps"] = 0;
    this.ids.clear();
    this.#log.clear();
  }
}
