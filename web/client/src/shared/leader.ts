// The part of the tab that leads: it has the connection, and carries out the calls of all tabs.

import { Connection } from "../connection.ts";
import type { DriverSink, Log, State } from "../driver.ts";
import type { Joined, Options } from "../types.ts";
import type { Method } from "./bus.ts";
import { without, type Channels } from "./channels.ts";

/**
 * How old an event may be that shows that the connection lives, in ms. For a stream the question is
 * a request, which costs more.
 */
const FRESH_SOCKET = 1500, FRESH_STREAM = 10_000;

export interface Leader {
  /** Calls a method of the connection for a tab. Resolves with its result. */
  call(tab: string, method: Method, args: any[]): Promise<unknown>;
  /** Joins channels, and leaves those that no tab is in. */
  change(join: readonly string[], leave: readonly string[], tab: string): Promise<Joined>;
  /**
   * Calls proved when the server has shown that the connection lives, and never if it does not:
   * code that runs does not show it. A connection that is lost says so itself.
   */
  prove(proved: () => void): void;
  /** Connects again, with a newer token if there is one. */
  reconnect(token?: string): void;
  /** Closes the connection. silent: without a report, because another tab leads. */
  close(silent?: boolean): void;
}

/** Connects, and joins the channels of all tabs in the handshake. */
export function lead(given: Options, channels: Channels, sink: DriverSink, log: Log): Leader {
  const options = { ...given, channels: channels.all }, state: Partial<State> = {};
  /** Wait for the next event. */
  const proofs: (() => void)[] = [];
  /** When the server sent the last event. */
  let sign = 0, silenced: boolean | undefined;
  const connection = new Connection(options, {
    event(...event) {
      if (silenced) return;
      sink.event(...event);
      sign = Date.now();
      for (const proved of proofs.splice(0)) proved();
    },
    state(change) {
      Object.assign(state, change);
      if (!silenced) sink.state(change);
    },
  }, log);
  const leader: Leader = {
    call: async (tab, method, [first, second]) =>
      ((method === "change" ? leader : connection) as any)[method](first, second, tab),
    change: (join, leave, tab) => connection.change(join, without(leave, channels.all), tab),
    prove(proved) {
      const stream = state.transport === "sse", age = Date.now() - sign;
      if (state.status !== "connected" || age < (stream ? FRESH_STREAM : FRESH_SOCKET))
        return proved();
      proofs.push(proved);
      // The answer is an event: sync after a change of no channels, or pong, which no tab delivers.
      (stream ? connection.ask("subscribe", [{ channels: [] }]) : connection.ask("ping", [], "none"))
        .catch(() => {});
    },
    reconnect(token) {
      options.token = token ?? options.token;
      connection.reconnect();
    },
    close(silent) {
      silenced = silent;
      connection.close();
    },
  };
  return leader;
}
