import { bytesOf } from "../binary.ts";

/** The seconds by which the clocks of the server and of this machine may differ. */
const TOLERANCE = 5 * 60;

/** The bytes that a secret has at least, as the server demands. */
const LEAST = 24;

/** Returns a header of a request. */
export type HeaderOf = (name: string) => string | null | undefined;

/** Resolves with why a request is not from the server; with undefined if it is. */
export type Verify = (header: HeaderOf, body: Uint8Array) => Promise<string | undefined>;

/**
 * Returns a function that verifies signatures of Standard Webhooks. secrets: as in HOOK_SECRET, so
 * also several, separated by commas; one of them must have signed. Throws if one cannot sign.
 */
export function verifier(secrets: string | readonly string[]): Verify {
  const list = [secrets].flat().flatMap((text) => text.split(/[,\n]/)).map((text) => text.trim())
    .filter((text) => text !== "");
  if (list.length === 0) throw new TypeError("createHandler: secret is empty, expected HOOK_SECRET");
  const raw = list.map(bytesOfSecret);
  let keys: Promise<CryptoKey[]> | undefined;
  return async (header, body) => {
    const id = header("webhook-id"), time = header("webhook-timestamp");
    const signatures = header("webhook-signature");
    if (!id || !time || !signatures)
      return "the headers webhook-id, webhook-timestamp and webhook-signature are required";
    if (!/^\d{1,15}$/.test(time)) return "webhook-timestamp is not in seconds";
    if (Math.abs(Date.now() / 1000 - Number(time)) > TOLERANCE)
      return "webhook-timestamp differs from the clock by more than 5 minutes";
    const given = signatures.split(" ").filter((one) => one.startsWith("v1,"))
      .map((one) => decoded(one.slice(3))).filter((one) => one !== undefined).slice(0, MOST);
    const signed = joined(new TextEncoder().encode(`${id}.${time}.`), body);
    for (const key of await (keys ??= importKeys(raw))) {
      for (const signature of given) {
        // verify compares in constant time.
        if (await crypto.subtle.verify("HMAC", key, signature, signed)) return undefined;
      }
    }
    return "webhook-signature does not match: is it the HOOK_SECRET of the server?";
  };
}

/** How many signatures of a request are tried: the server sends one for each of its secrets. */
const MOST = 16;

/** Reads a secret: whsec_ and base64, or raw text. No error shows it. */
function bytesOfSecret(secret: string, i: number): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(secret);
  if (text.length < LEAST) {
    throw new TypeError(
      `createHandler: secret ${i + 1} has ${text.length} bytes, expected at least ${LEAST}`,
    );
  }
  if (!secret.startsWith("whsec_")) return text;
  const bytes = decoded(secret.slice("whsec_".length));
  if (!bytes) {
    throw new TypeError(
      `createHandler: secret ${i + 1} starts with whsec_ and is not base64 after that`,
    );
  }
  return bytes;
}

function importKeys(secrets: Uint8Array<ArrayBuffer>[]): Promise<CryptoKey[]> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return Promise.all(
    secrets.map((raw) => crypto.subtle.importKey("raw", raw, algorithm, false, ["verify"])),
  );
}

function decoded(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return bytesOf(base64);
  } catch {
    return undefined;
  }
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(head.length + tail.length);
  all.set(head);
  all.set(tail, head.length);
  return all;
}
