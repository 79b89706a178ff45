import type { Handshake } from "./requests.ts";

/** The largest data of a connection. */
const MAX_DATA = 16 << 10;

// Members of the data that belong to this module: the connection functions have done their work for
// this connection; the functions of use() have let it in; what they have read of the handshake; the
// client has continued its session.
const CONNECTED = "$connected", ADMITTED = "$admitted", HANDSHAKE = "$handshake";
const RECOVERED = "$recovered";
const OWN = new Set([CONNECTED, ADMITTED, HANDSHAKE, RECOVERED]);

/** `socket.data`, which the server keeps between the events of a connection. */
export class ConnectionData {
  /** The object that the application changes. */
  readonly values: Record<string, any> = {};
  readonly #before: Record<string, any>;
  #own: Record<string, unknown> = {};

  constructor(before: Record<string, any>) {
    this.#before = before;
    this.reset();
  }

  /** Whether the connection functions have done their work. */
  get connected(): boolean {
    return this.#before[CONNECTED] === true;
  }

  get admitted(): boolean {
    return this.#before[ADMITTED] === true;
  }

  /** Whether the client has continued its session. */
  get recovered(): boolean {
    return (this.#own[RECOVERED] ?? this.#before[RECOVERED]) === true;
  }

  /** The part of the handshake that was kept. */
  get handshake(): Partial<Handshake> {
    return this.#before[HANDSHAKE] ?? {};
  }

  markConnected(handshake: Partial<Handshake>): void {
    if (!this.connected) this.#own[CONNECTED] = true;
    if (Object.keys(handshake).length > 0) this.#own[HANDSHAKE] = handshake;
  }

  markRecovered(recovered: boolean): void {
    if (recovered !== this.recovered) this.#own[RECOVERED] = recovered;
  }

  markAdmitted(): void {
    this.#own[ADMITTED] = true;
  }

  /** Sets the values to those of the request. */
  reset(): void {
    for (const name of Object.keys(this.values)) delete this.values[name];
    for (const [name, value] of Object.entries(this.#before))
      if (!OWN.has(name)) this.values[name] = structuredClone(value);
  }

  /** Replaces all values. */
  replace(values: Record<string, any>): void {
    for (const name of Object.keys(this.values)) delete this.values[name];
    Object.assign(this.values, values);
  }

  /** Returns the changes in JSON, for an answer. Throws when a value cannot be kept. */
  changes(): string | undefined {
    const changed: Record<string, unknown> = { ...this.#own };
    for (const [name, value] of Object.entries(this.values)) {
      if (OWN.has(name)) throw new TypeError(`socket.data.${name} is reserved`);
      checkKept(`socket.data.${name}`, value);
      if (JSON.stringify(value) !== JSON.stringify(this.#before[name])) changed[name] = value ?? null;
    }
    for (const name of Object.keys(this.#before))
      if (!OWN.has(name) && !(name in this.values)) changed[name] = null;
    Object.freeze(this.values); // a change after the answer throws
    if (Object.keys(changed).length === 0) return undefined;
    const bytes = new TextEncoder().encode(JSON.stringify({ ...this.#before, ...changed })).length;
    if (bytes > MAX_DATA)
      throw new RangeError(`socket.data has ${bytes} bytes, expected at most ${MAX_DATA}`);
    return JSON.stringify(changed);
  }
}

/** Throws when JSON would not keep a value. */
function checkKept(path: string, value: any): void {
  if (value === null || value === undefined || typeof value.toJSON === "function") return;
  const type = typeof value;
  if (type === "string" || type === "number" || type === "boolean") return;
  const plain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype ||
    Object.getPrototypeOf(value) === null;
  if (type !== "object" || !plain || ArrayBuffer.isView(value)) {
    const what = type === "object" ? value.constructor?.name : type;
    throw new TypeError(
      `${path} is a ${what}, which JSON cannot keep: socket.data is stored between the events`,
    );
  }
  for (const [name, item] of Object.entries(value)) checkKept(`${path}.${name}`, item);
}
