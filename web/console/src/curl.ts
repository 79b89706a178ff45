// A request as a curl command.

/** Returns a text as one word of a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Returns the command. The key comes from the environment, so that users can share the command. */
export function curl(url: URL, body: string, headers: Record<string, string> = {}): string {
  const lines = [
    `curl -sS ${quoted(url.href)}`,
    `  -H "Authorization: Bearer $ROOMCAST_API_KEY" -H 'Content-Type: application/json'`,
  ];
  for (const [name, value] of Object.entries(headers))
    lines.push(`  -H ${quoted(`${name}: ${value}`)}`);
  return `${lines.join(" \\\n")} \\\n  -d ${quoted(body)}`;
}
