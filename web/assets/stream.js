// One side of the page: a transport, its buttons, its position in the log and the list of what arrived.

const KEPT = 500; // rows; the counters go on
const LONGEST = 4000; // characters of data shown in a row
const CONTROL = new Set(["connected", "gap", "recovery", "sync", "heartbeat", "overloaded", "disconnected", "subscribed",
  "unsubscribed", "auth:expiring", "auth:expired", "auth:refreshed", "error", "connect_error"]);
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false });
const integer = new Intl.NumberFormat();

const isNotification = (body) => body !== null && typeof body === "object" && "type" in body && "data" in body && "timestamp" in body;

// shown writes a value as text, bytes by their length.
function shown(value) {
  const text = JSON.stringify(value, (_, item) => (item instanceof ArrayBuffer ? `<${item.byteLength} bytes>` : item)) ?? "";
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${text.length} characters)` : text;
}

function element(name, className, text) {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  return node;
}

export class Stream {
  live = false;
  client = "";
  last = "";
  held = new Set(); // the channels the server has for this side
  #root; #out = {}; #list; #log; #transport; #who; #changed;
  #counts = { received: 0, replayed: 0, gaps: 0, disorder: 0 };
  #replaying = false; #seen = ""; #rows = []; #frame = 0;

  /** make: (callbacks) => transport. who: () => {identity, channels}. move(side) and changed() belong to the page. */
  constructor(make, { who, move, moveLabel, changed }) {
    this.#root = document.getElementById("stream").content.cloneNode(true).firstElementChild;
    for (const node of this.#root.querySelectorAll("[data-of]")) this.#out[node.dataset.of] = node;
    this.#log = this.#root.querySelector(".log");
    this.#list = this.#log.firstElementChild;
    this.#who = who;
    this.#changed = changed;
    this.#transport = make({
      event: (name, body, id) => this.#event(name, body, id),
      state: (state, note) => this.#state(state, note),
    });
    this.#root.id = this.#transport.transport;
    this.#root.querySelector("h2").textContent = this.#transport.title;
    this.#log.setAttribute("aria-label", `${this.#transport.title} events`);
    this.#button("connect").onclick = () => this.connect();
    this.#button("disconnect").onclick = () => this.disconnect();
    this.#button("drop").onclick = () => this.#transport.drop();
    this.#button("drop").hidden = !this.#transport.canDrop;
    this.#button("move").onclick = () => move(this);
    this.#button("move").textContent = moveLabel;
    this.#button("clear").onclick = () => this.#clear();
    this.#out.control.onchange = () => this.#log.classList.toggle("quiet", !this.#out.control.checked);
    document.getElementById("streams").append(this.#root);
  }

  /** Connects where the Start field says, or, when given, after an id that another side reached. */
  connect(from) {
    const start = this.#out.start.value;
    const since = from ?? { after: this.last || undefined, now: undefined, all: "0" }[start];
    this.#replaying = since !== undefined;
    this.#seen = since && since !== "0" ? since : "";
    if (!this.#seen) this.last = "";
    this.#transport.connect({ ...this.#who(), current: () => this.#who().channels, since });
  }

  disconnect() {
    this.#transport.disconnect();
  }

  /** Joins and leaves on the live connection; the answer is shown as a row of its own. */
  async change(asked) {
    if (!this.live) return { denied: [] };
    const result = await this.#transport.change(asked);
    for (const name of asked.join ?? []) if (!result.denied.includes(name)) this.held.add(name);
    for (const name of asked.leave ?? []) this.held.delete(name);
    return result;
  }

  #button(name) {
    return this.#root.querySelector(`[data-do="${name}"]`);
  }

  #state(state, note) {
    this.live = state === "live";
    this.#root.dataset.state = state;
    this.#out.state.textContent = { connecting: "connecting", live: "connected", waiting: note, closed: note }[state];
    if (state === "waiting") this.#replaying = true; // it comes back with its cursor by itself
    const idle = state === "closed";
    this.#button("connect").disabled = !idle;
    for (const name of ["disconnect", "drop", "move"]) this.#button(name).disabled = idle;
    if (idle) this.client = "";
    this.#out.client.textContent = this.client || "–";
    this.#changed();
  }

  #event(name, body, id) {
    const control = CONTROL.has(name);
    const notification = !control && isNotification(body);
    const tags = [];
    let own = id;
    if (notification) own = body.id ?? "";
    if (name === "connected") this.#connected(body);
    if (name === "gap") this.#count("gaps", `gap ${body?.reason ?? ""}`, tags);
    if (name === "recovery") {
      this.#replaying = false;
      tags.push(body?.recovered === false ? "not recovered" : "recovered");
    }
    if (name === "connect_error") this.#state("closed", body?.message ?? body?.detail ?? body?.title ?? "refused");
    if (!control) {
      this.#counts.received++;
      if (!own) tags.push("volatile");
      else if (this.#replaying) this.#count("replayed", "replayed", tags);
      this.#order(own, tags);
    }
    if (id) this.last = id;
    this.#rows.push({
      control, tags, id: own, type: notification ? body.type : name, at: Date.now(),
      published: notification ? body.timestamp : "", text: shown(notification ? body.data : body),
    });
    if (this.#rows.length > KEPT) this.#rows.shift();
    this.#frame ||= requestAnimationFrame(() => this.#paint());
  }

  #connected(body) {
    this.client = body?.clientId ?? "";
    const { channels } = this.#who();
    const left = [...this.held].filter((name) => !channels.includes(name)); // left while this side was away
    this.held = new Set([...channels, ...left]);
    if (left.length > 0) this.change({ leave: left }).catch(() => {});
    this.#changed();
  }

  #count(counter, tag, tags) {
    this.#counts[counter]++;
    tags.push(tag);
  }

  // Ids of one epoch are comparable as numbers, and a stream never goes back.
  #order(id, tags) {
    if (!id) return;
    const [epoch, seq] = id.split("-");
    const [before, last] = this.#seen.split("-");
    if (epoch === before && Number(seq) <= Number(last)) this.#count("disorder", "out of order", tags);
    this.#seen = id;
  }

  // At most once a frame, however many events came in.
  #paint() {
    this.#frame = 0;
    const atEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 40;
    const fragment = document.createDocumentFragment();
    for (const row of this.#rows) fragment.append(this.#row(row));
    this.#rows = [];
    this.#list.append(fragment);
    while (this.#list.childElementCount > KEPT) this.#list.firstElementChild.remove();
    if (atEnd) this.#log.scrollTop = this.#log.scrollHeight;
    for (const [name, value] of Object.entries(this.#counts)) this.#out[name].textContent = integer.format(value);
    this.#out.disorder.parentElement.classList.toggle("bad", this.#counts.disorder > 0);
    this.#out.gaps.parentElement.classList.toggle("bad", this.#counts.gaps > 0);
    this.#out.last.textContent = this.last || "–";
    this.#out.client.textContent = this.client || "–";
  }

  #row({ control, tags, id, type, at, published, text }) {
    const row = element("li", control ? "row control" : "row", "");
    Object.assign(row.dataset, { id, type, tags: tags.join(",") });
    const meta = element("div", "meta", "");
    const time = element("time", "", clock.format(at));
    time.dateTime = new Date(at).toISOString();
    if (published) time.title = `published ${published}`;
    meta.append(time, element("b", "type", type));
    for (const tag of tags) meta.append(element("span", `tag ${tag.split(" ")[0]}`, tag));
    const via = element("span", "via", this.#transport.transport);
    via.append(element("code", "id", id));
    meta.append(via);
    row.append(meta, element("pre", "data", text));
    return row;
  }

  #clear() {
    this.#rows = [];
    this.#list.replaceChildren();
    for (const name of Object.keys(this.#counts)) this.#counts[name] = 0;
    this.#paint();
  }
}
