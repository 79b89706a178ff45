// What a tab delivers of the events of the leader's connection.

import type { DriverSink } from "../driver.ts";
import type { Channels } from "./channels.ts";

/**
 * Returns the function that delivers an event to the tab, unless it replies to another tab, was
 * delivered before, or is only for channels of other tabs.
 */
export function delivery(tab: string, channels: Channels, sink: DriverSink): DriverSink["event"] {
  /** The id of the newest notification that this tab delivered. */
  let delivered = "";
  return (name, value, id, to, only) => {
    if (to && to !== tab) return;
    if (value?.id) {
      const [epoch, sequence] = value.id.split("-"), [before, last] = delivered.split("-");
      if (epoch === before && +sequence <= +last!) return;
      delivered = value.id;
    }
    if (!channels.foreign(only)) sink.event(name, value, id);
  };
}
