// What the hooks are made of: a seat, and the state of the connection it is at.

import { createContext, useCallback, useContext, useEffect, useInsertionEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { Transport } from "../types.ts";
import { placeOf, type Box, type HookOptions, type Place } from "./options.ts";
import { IDLE, peek, WAITING, type Snapshot } from "./pool.ts";
import { createSeat, type Seat } from "./seat.ts";

/** The place that a provider offers to the hooks below it. */
export const PlaceContext = createContext<Place | undefined>(undefined);

/** The place of the provider above. name: of the hook, for the error when there is none. */
export function useProvided(name: string): Place {
  return offered(name, useContext(PlaceContext));
}

function offered(name: string, place: Place | undefined): Place {
  if (place) return place;
  throw new Error(`${name}: give it options, or render the component inside a <RoomcastProvider>`);
}

/** The place of these options, and the box that keeps the newest of them. */
export function usePlace(options: HookOptions, transport: "auto" | Transport): Place {
  const place = placeOf(options, transport);
  // One for each connection: the one before may still ask, and must not be given what is another user's.
  const box = useMemo<Box>(() => ({ current: options }), [place.key]);
  // Before all other effects, so that what they start has the newest.
  useInsertionEffect(() => { box.current = options; });
  return { ...place, box };
}

/** A component's use of a connection. owner: whose it is, also while there is none; what came for one is not shown to another. */
interface Use {
  seat: Seat;
  snapshot: Snapshot;
  owner: unknown;
}

/** Uses a place for as long as the component is mounted. */
export function useSeat(place: Place): Use {
  const [seat] = useState(createSeat);
  const { box, client, token, base } = place, idle = place.key === undefined && !client;

  // Another place is another box or another client; the rest of it is what these stand for.
  const subscribe = useCallback((listener: () => void) => idle ? () => {} : seat.attach(place, listener), [seat, box, client]);
  const snapshot = useSyncExternalStore(subscribe, () => peek(place), () => idle ? IDLE : WAITING);

  useEffect(() => seat.renew(), [seat, token]);
  useEffect(() => () => seat.reset(), [seat]);
  return { seat, snapshot, owner: client ?? base };
}

/** The seat of a hook: at a connection of its own options, or else at the provider's. */
export function useConnection(name: string, options: HookOptions | undefined, transport: "auto" | Transport): Use {
  // Hooks may not be called in turns, and a component does not change from one way to the other.
  const own = usePlace(options ?? {}, transport), provided = useContext(PlaceContext);
  return useSeat(options ? own : offered(name, provided));
}
