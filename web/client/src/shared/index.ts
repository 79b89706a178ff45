// The part of a shared connection that every page loads: whether there is one.

import type { Driver, DriverSink, Log } from "../driver.ts";
import { subjectOf } from "../token.ts";
import type { Options } from "../types.ts";
import { LoadingDriver } from "./loading.ts";

/**
 * Returns a share in the connection of this browser's tabs; undefined where the options or the
 * browser do not allow one.
 */
export function share(options: Options, sink: DriverSink, log: Log): Driver | undefined {
  const user = options.userId ?? subjectOf(options.token);
  if (!options.shared) return undefined;
  // A tab must never hear what is for another user, so without a known user nothing is shared.
  if (!globalThis.navigator?.locks || !globalThis.BroadcastChannel || user === undefined)
    return void log("not shared:", user);
  return new LoadingDriver(user, options, sink, log);
}
