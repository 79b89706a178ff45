// A request as a command line.

/** A word of a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The command; the key is left to the environment, so that it can be shown to others. */
export function curl(url: URL, body: string, headers: Record<string, string> = {}): string {
  const lines = [`curl -sS ${quoted(url.href)}`, `  -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json'`];
  for (const [name, value] of Object.entries(headers)) lines.push(`  -H ${quoted(`${name}: ${value}`)}`);
  return `${lines.join(" \\\n")} \\\n  -d ${quoted(body)}`;
}
