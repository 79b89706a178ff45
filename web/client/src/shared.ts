import type { Driver, DriverSink, Log } from "./connection.ts";
import type { Options } from "./types.ts";

/** Returns a share in the connection of this browser's tabs, or nothing where that cannot be. */
export function share(_o: Options, _sink: DriverSink, _log: Log): Driver | undefined {
  return undefined;
}
