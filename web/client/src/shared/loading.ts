// Loads the code of a shared connection on demand, because most pages do not need it.

import { Connection } from "../connection.ts";
import { refuse, type Driver, type DriverSink, type Log } from "../driver.ts";
import { clientError } from "../errors.ts";
import { timeoutOf } from "../open.ts";
import { Queue } from "../queue.ts";
import type { Joined, Options } from "../types.ts";

/** The driver of a shared connection. Calls wait in their order until its code is there. */
export class LoadingDriver implements Driver {
  readonly #user: string;
  readonly #options: Options;
  readonly #sink: DriverSink;
  readonly #log: Log;
  readonly #queue = new Queue();
  #driver: Driver | undefined;
  #closed = true;

  constructor(user: string, options: Options, sink: DriverSink, log: Log) {
    this.#user = user;
    this.#options = options;
    this.#sink = sink;
    this.#log = log;
    this.reconnect();
  }

  emit(event: string, args: unknown[]): boolean {
    if (this.#driver) return this.#driver.emit(event, args);
    if (this.#closed) return refuse(this.#sink, event, "closed");
    return this.#queue.add(() => this.#driver!.emit(event, args)) ||
      refuse(this.#sink, event, "unavailable");
  }

  async ask(event: string, args: unknown[]): Promise<any> {
    return this.#request((driver) => driver.ask(event, args));
  }

  async change(join: readonly string[], leave: readonly string[]): Promise<Joined> {
    return this.#request((driver) => driver.change(join, leave));
  }

  reconnect(): void {
    if (this.#driver) return this.#driver.reconnect();
    if (!this.#closed) return;
    this.#closed = false;
    this.#sink.state({ status: "connecting" });
    void this.#load();
  }

  close(): void {
    if (this.#driver) return this.#driver.close();
    this.#closed = true;
    this.#queue.clear(clientError("closed", "closed"));
    this.#sink.state({ status: "closed" });
  }

  async #load(): Promise<void> {
    const load = await import("./driver.ts").catch((error) => {
      this.#log("not shared:", error.message);
    });
    if (this.#closed || this.#driver) return; // closed, or loaded by a later reconnect
    // Without the code, this tab has a connection of its own.
    const parameters = [this.#options, this.#sink, this.#log] as const;
    this.#driver = load
      ? new load.SharedDriver(this.#user, ...parameters)
      : new Connection(...parameters);
    this.#queue.flush();
  }

  async #request<T>(call: (driver: Driver) => Promise<T>): Promise<T> {
    if (this.#driver) return call(this.#driver);
    if (this.#closed) throw clientError("closed", "closed");
    return this.#queue.request(() => call(this.#driver!), timeoutOf(this.#options));
  }
}
