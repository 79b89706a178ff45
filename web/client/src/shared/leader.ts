// The part of the tab that leads: it has the connection, and carries out the calls of all tabs.

import { Connection } from "../connection.ts";
import type { DriverSink, Log } from "../driver.ts";
import type { Joined, Options } from "../types.ts";
import type { Method } from "./bus.ts";
import { without, type Channels } from "./channels.ts";

export class Leader {
  readonly #options: Options;
  readonly #channels: Channels;
  readonly #connection: Connection;
  #silent = false;

  /** Connects, and joins the channels of all tabs in the handshake. */
  constructor(options: Options, channels: Channels, sink: DriverSink, log: Log) {
    this.#options = { ...options, channels: channels.all };
    this.#channels = channels;
    const guarded: DriverSink = {
      event: (...event) => {
        if (!this.#silent) sink.event(...event);
      },
      state: (change) => {
        if (!this.#silent) sink.state(change);
      },
    };
    this.#connection = new Connection(this.#options, guarded, log);
  }

  /** Calls a method of the connection for a tab. Resolves with its result. */
  async call(tab: string, method: Method, args: any[]): Promise<unknown> {
    switch (method) {
      case "emit":
        return this.#connection.emit(args[0], args[1], tab);
      case "ask":
        return this.#connection.ask(args[0], args[1], tab);
      case "change":
        return this.change(args[0], args[1], tab);
    }
  }

  /** Joins channels, and leaves those that no tab is in. */
  change(join: readonly string[], leave: readonly string[], tab: string): Promise<Joined> {
    return this.#connection.change(join, without(leave, this.#channels.all), tab);
  }

  /** Connects again, with a newer token if there is one. */
  reconnect(token?: string): void {
    this.#options.token = token ?? this.#options.token;
    this.#connection.reconnect();
  }

  close(): void {
    this.#connection.close();
  }

  /** Closes the connection without a report, because another tab leads. */
  depose(): void {
    this.#silent = true;
    this.#connection.close();
  }
}
