// The filter of the tail.

import type { Entry } from "./log.ts";

/**
 * Returns a test of entries. type: a part of the event name, or a pattern with stars. text: a part
 * of the name, the data, the id or a channel. Case does not matter.
 */
export function matcher(type: string, text: string): (entry: Entry) => boolean {
  const pattern = type.trim().toLowerCase(), wanted = text.trim().toLowerCase();
  const parts = pattern.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  const glob = parts.length > 1 && new RegExp(`^${parts.join(".*")}$`, "s");
  return ({ name, text, id, channels }) => {
    const own = name.toLowerCase();
    if (pattern && !(glob ? glob.test(own) : own.includes(pattern))) return false;
    return !wanted ||
      [own, text, id, ...channels].some((one) => one.toLowerCase().includes(wanted));
  };
}
