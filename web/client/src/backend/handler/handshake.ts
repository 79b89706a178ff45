import type { Handshake } from "./requests.ts";

const FIELDS = ["auth", "query", "headers", "address"] as const;

/** The handshake that a socket shows, and what was read of it. */
export interface KeptHandshake {
  shown: Handshake;
  read: Partial<Handshake>;
}

/**
 * Returns the handshake of a request. given: all of it, known while the connection opens. kept: what
 * was read then. Other fields throw, because undefined would look like a client that sent nothing.
 */
export function keptHandshake(
  kept: Partial<Handshake>,
  given: Handshake | undefined,
): KeptHandshake {
  const read: Partial<Record<string, unknown>> = {};
  const shown = {} as Handshake;
  for (const field of FIELDS) {
    Object.defineProperty(shown, field, {
      enumerable: true,
      get() {
        if (given) return read[field] = given[field];
        if (field in kept) return kept[field];
        throw new Error(
          `socket.handshake.${field} is not known for an event: set EVENTS_CONNECTIONS=true and read it in the connection function, or put it into socket.data`,
        );
      },
    });
  }
  return { shown, read: read as Partial<Handshake> };
}
