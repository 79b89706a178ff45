// The line under a connection, which can be cut: the package then does what it does when a network goes.

/** Makes a WebSocket and an EventSource for `connect` that share one line. */
export class Line {
  #cut = false;
  #ends = new Set<() => void>();
  readonly WebSocket: typeof WebSocket;
  readonly EventSource: typeof EventSource;

  constructor() {
    const isCut = () => this.#cut;
    const ends = this.#ends;
    this.WebSocket = class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        if (isCut()) return dead("close") as any;
        super(url, protocols);
        const end = () => this.close(); // without a word of Socket.IO before it
        ends.add(end);
        this.addEventListener("close", () => ends.delete(end));
      }
    };
    this.EventSource = class extends EventSource {
      #lost = false;

      constructor(url: string | URL, init?: EventSourceInit) {
        if (isCut()) return dead("error") as any;
        super(url, init);
        ends.add(() => {
          if (super.readyState === EventSource.CLOSED) return;
          super.close();
          this.#lost = true;
          this.dispatchEvent(new Event("error"));
        });
      }

      // A stream that was lost says CONNECTING; CLOSED would mean that the server refused it.
      override get readyState() {
        return this.#lost ? EventSource.CONNECTING : super.readyState;
      }
    };
  }

  get cut(): boolean {
    return this.#cut;
  }

  /** Cuts the line, and what would connect meanwhile fails. */
  set cut(cut: boolean) {
    this.#cut = cut;
    if (!cut) return;
    for (const end of [...this.#ends]) end();
    this.#ends.clear();
  }
}

/** What a connection is while there is no line: it fails with that event, soon. */
function dead(event: "close" | "error"): EventTarget {
  const target = Object.assign(new EventTarget(), { readyState: 0, close() {}, send() {}, onclose: null, onerror: null } as Record<string, any>);
  setTimeout(() => target[`on${event}`]?.(Object.assign(new Event(event), { reason: "the line is cut" })), 0);
  return target;
}
