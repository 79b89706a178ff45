// What a tab delivers of the events of the leader's connection.

import type { DriverSink } from "../driver.ts";
import type { Channels } from "./channels.ts";

/** Reports whether an id is not after another one, of the same log as far as ids show. */
export function isRepeat(id: string, of: string): boolean {
  const [epoch, sequence] = id.split("-"), [before, last] = of.split("-");
  return epoch === before
    ? +sequence! <= +last!
    : epoch!.length === 13 && before!.length === 13 && epoch! < before!;
}

/**
 * Returns the function that delivers an event to the tab, unless it replies to another tab, was
 * delivered before, or is only for channels of other tabs.
 */
export function delivery(tab: string, channels: Channels, sink: DriverSink): DriverSink["event"] {
  /** The id of the newest notification that this tab delivered. */
  let delivered = "";
  return (name, value, id, to, only) => {
    if (to && to !== tab) return;
    // After the gap of a log that went back, notifications have lower ids than those before it.
    if (name === "gap" && value?.reason === "epoch") delivered = "";
    if (value?.id) {
      if (isRepeat(value.id, delivered)) return;
      delivered = value.id;
    }
    if (!channels.foreign(only)) sink.event(name, value, id);
  };
}
