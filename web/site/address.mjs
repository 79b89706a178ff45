// Where the site will be: SITE_URL, such as https://docs.example.org/roomcast/, or the top of any
// host without it.

const text = process.env.SITE_URL ?? "";
if (text && !/^https?:\/\/[^/\s]+(\/[^\s?#]*)?$/.test(text))
  throw new Error(`SITE_URL=${text}: expected a URL such as https://docs.example.org/roomcast/`);

/** The address of the site, which ends in a slash; without SITE_URL only its path. */
export const address = text ? text.replace(/\/*$/, "/") : "/";

/** The path of the site. */
export const base = text ? new URL(address).pathname : "/";
