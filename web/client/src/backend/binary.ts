// Binary values in JSON, in the form of the HTTP API and of hooks: {"$binary": "<base64>"}.

/** Returns a copy with binary values in the form of the HTTP API. */
export function packed(value: any): unknown {
  if (value instanceof ArrayBuffer) value = new Uint8Array(value);
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return { $binary: btoa(text) };
  }
  if (Array.isArray(value)) return value.map(packed);
  if (typeof value === "object" && value !== null && !value.toJSON)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, packed(item)]));
  return value;
}

/** Returns a copy with binary values in place of the form of the HTTP API. */
export function unpacked(value: any, decode: (base64: string) => unknown = bytesOf): any {
  if (Array.isArray(value)) return value.map((item) => unpacked(item, decode));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  if (entries.length === 1 && typeof value.$binary === "string") return decode(value.$binary);
  return Object.fromEntries(entries.map(([key, item]) => [key, unpacked(item, decode)]));
}

/** Decodes base64. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
