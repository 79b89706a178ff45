// Tokens (HS256), signed in the page.

const text = new TextEncoder();

const url64 = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const part = (value: unknown): string => url64(text.encode(JSON.stringify(value)));

/**
 * Signs claims. Rejects on pages without WebCrypto, which browsers offer on https and localhost
 * only.
 */
export async function sign(claims: Record<string, unknown>, secret: string): Promise<string> {
  if (!globalThis.crypto?.subtle)
    throw new Error("browsers sign tokens on https and localhost only; use `roomcast token` elsewhere");
  const head = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  const key = await crypto.subtle.importKey(
    "raw",
    text.encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  return `${head}.${
    url64(new Uint8Array(await crypto.subtle.sign("HMAC", key, text.encode(head))))
  }`;
}
