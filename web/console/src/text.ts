// The formats of times, numbers and JSON.

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const integer = new Intl.NumberFormat();

/** Returns the time of day, to the millisecond. */
export const time = (at: number): string => clock.format(at);

/** Returns day and time, in the user's time zone. */
export const full = (at: string | number): string => moment.format(new Date(at));

/** Returns a whole number with separators. */
export const number = (value: number): string => integer.format(value);

/** Returns a number with its noun, such as "3 connections". */
export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${number(n)} ${n === 1 ? one : many}`;

const UNITS: [string, number][] = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

/** Returns the time since then, in the two largest units. */
export function ago(at: string, now = Date.now()): string {
  let seconds = Math.max(0, Math.round((now - Date.parse(at)) / 1000));
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    if (seconds < size && !(unit === "s" && parts.length === 0)) continue;
    parts.push(`${Math.floor(seconds / size)} ${unit}`);
    seconds %= size;
    if (parts.length === 2 || unit === "min" && parts.length > 1) break;
  }
  return parts.join(" ");
}

/** Returns a size with its unit. */
export function bytes(n: number): string {
  if (n < 1024) return `${number(n)} B`;
  return n < 1024 ** 2 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 1024 ** 2).toFixed(1)} MiB`;
}

/** Returns a value as JSON, with the length in place of binary data. */
export function json(value: unknown, space = 0): string {
  return JSON.stringify(
    value,
    (_, item) => item instanceof ArrayBuffer ? `<${item.byteLength} bytes>` : item,
    space,
  ) ?? "";
}

/** Returns a text of at most so many characters. */
export const cut = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most)}… (${number(text.length)} characters)` : text;

/** Returns the items of a list that the user typed, split at commas and line ends. */
export const words = (text: string): string[] =>
  text.split(/[,\n]/).map((word) => word.trim()).filter(Boolean);

/**
 * Returns JSON with one value per line. Unlike JSON.parse and JSON.stringify it keeps numbers as
 * they are: `1.50`, and integers that are too large for a number.
 */
export function indented(json: string): string {
  let depth = 0, inString = false;
  const line = () => `\n${"  ".repeat(depth)}`;
  return json.replace(/\\[^]|"|[[{]\s*[\]}]|[[{\]},:]|\s+/g, (token) => {
    if (token === '"') inString = !inString;
    else if (!inString) {
      switch (token[0]) {
        case "[":
        case "{":
          if (token.length > 1) return token[0]! + token.at(-1);
          depth++;
          return token + line();
        case "]":
        case "}":
          depth--;
          return line() + token;
        case ",":
          return token + line();
        case ":":
          return ": ";
        default:
          return "";
      }
    }
    return token;
  });
}
