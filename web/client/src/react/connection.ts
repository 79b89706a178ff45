// The base of the hooks: a seat, and the state of its connection.

import {
  createContext,
  useCallback,
  useContext,
  useEffect,
  useInsertionEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";
import type { Transport } from "../types.ts";
import { placeOf, type Box, type HookOptions, type Place } from "./options.ts";
import { IDLE, peek, WAITING, type Snapshot } from "./pool.ts";
import { createSeat, type Seat } from "./seat.ts";

/** The place that a provider offers to the hooks inside it. */
export const PlaceContext = createContext<Place | undefined>(undefined);

/**
 * Returns the place of the nearest provider. name: of the hook, for the error without a provider.
 */
export function useProvided(name: string): Place {
  return offered(name, useContext(PlaceContext));
}

function offered(name: string, place: Place | undefined): Place {
  if (place) return place;
  throw new Error(`${name}: give it options, or render the component inside a <RoomcastProvider>`);
}

/** Returns the place of these options, with the box that keeps the newest of them. */
export function usePlace(options: HookOptions, transport: "auto" | Transport): Place {
  const place = placeOf(options, transport);
  // One box for each connection: the previous connection may still ask for a token, and must not
  // get that of another user.
  const box = useMemo<Box>(() => ({ current: options }), [place.key]);
  // Before all other effects, so that these find the newest options.
  useInsertionEffect(() => {
    box.current = options;
  });
  return { ...place, box };
}

/**
 * A component's use of a connection. owner: identifies the user, also without a connection. What
 * the component received for one owner is not shown to another.
 */
interface Use {
  seat: Seat;
  snapshot: Snapshot;
  owner: unknown;
}

/** Uses a place while the component is mounted. */
export function useSeat(place: Place): Use {
  const [seat] = useState(createSeat);
  const { box, client, token, base } = place, idle = place.key === undefined && !client;

  // The box and the client identify the place.
  const subscribe = useCallback(
    (listener: () => void) => idle ? () => {} : seat.attach(place, listener),
    [seat, box, client],
  );
  const snapshot = useSyncExternalStore(subscribe, () => peek(place), () => idle ? IDLE : WAITING);

  useEffect(() => seat.renew(), [seat, token]);
  useEffect(() => () => seat.reset(), [seat]);
  return { seat, snapshot, owner: client ?? base };
}

/** Returns the seat of a hook: on a connection with its own options, or on that of the provider. */
export function useConnection(
  name: string,
  options: HookOptions | undefined,
  transport: "auto" | Transport,
): Use {
  // Both hooks run in each rendering, because React allows no conditional hooks. A component uses
  // either options or the provider all its life.
  const own = usePlace(options ?? {}, transport), provided = useContext(PlaceContext);
  return useSeat(options ? own : offered(name, provided));
}
