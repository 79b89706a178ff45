import type { Options } from "./types.ts";

/** Returns the URL of a path at the server; without `options.url` the server is at the page's own origin. */
export function endpoint(options: Options, path: string): URL {
  const url = new URL(options.url || "/", globalThis.location?.href);
  if (!/^http/.test(url.protocol)) throw new TypeError(`${url}: not http(s)`);
  url.pathname = url.pathname.replace(/\/$/, "") + path;
  url.search = url.hash = "";
  return url;
}
