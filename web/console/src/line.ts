// A network that the user can cut, to show what the package does when a network fails.

/** A WebSocket and an EventSource for `connect` that share one network. */
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
        const end = () => this.close(); // without a DISCONNECT packet
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

      // A lost stream is CONNECTING. CLOSED would mean that the server refused it.
      override get readyState() {
        return this.#lost ? EventSource.CONNECTING : super.readyState;
      }
    };
  }

  get cut(): boolean {
    return this.#cut;
  }

  /** Cuts or restores the line. While it is cut, new connections fail. */
  set cut(cut: boolean) {
    this.#cut = cut;
    if (!cut) return;
    for (const end of [...this.#ends]) end();
    this.#ends.clear();
  }
}

/** Returns a connection that fails with an event, because the line is cut. */
function dead(event: "close" | "error"): EventTarget {
  const target = Object.assign(
    new EventTarget(),
    { readyState: 0, close() {}, send() {}, onclose: null, onerror: null } as Record<string, any>,
  );
  setTimeout(
    () => target[`on${event}`]?.(Object.assign(new Event(event), { reason: "the line is cut" })),
    0,
  );
  return target;
}
