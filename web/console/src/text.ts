// How times, numbers and JSON are written.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const integer = new Intl.NumberFormat();

/** The time of day, to the millisecond. */
export const time = (at: number): string => clock.format(at);

/** Day and time, in the reader's zone. */
export const full = (at: string | number): string => moment.format(new Date(at));

/** A whole number with separators. */
export const number = (value: number): string => integer.format(value);

/** "3 connections" */
export const plural = (n: number, one: string, many = `${one}s`): string => `${number(n)} ${n === 1 ? one : many}`;

const UNITS: [string, number][] = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

/** How long ago, in the two largest units. */
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

/** A size in bytes. */
export function bytes(n: number): string {
  if (n < 1024) return `${number(n)} B`;
  return n < 1024 ** 2 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 1024 ** 2).toFixed(1)} MiB`;
}

/** JSON for people; bytes by their length. */
export function json(value: unknown, space = 0): string {
  return JSON.stringify(value, (_, item) => item instanceof ArrayBuffer ? `<${item.byteLength} bytes>` : item, space) ?? "";
}

/** At most so many characters. */
export const cut = (text: string, most: number): string => text.length > most ? `${text.slice(0, most)}… (${number(text.length)} characters)` : text;

/** The parts of a list that somebody typed: split at commas and line ends. */
export const words = (text: string): string[] => text.split(/[,\n]/).map((word) => word.trim()).filter(Boolean);
