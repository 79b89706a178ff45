import { createContext, createElement, useContext, useMemo, type ReactElement, type ReactNode } from "react";
import type { Client } from "../types.ts";
import { PlaceContext, usePlace, useSeat } from "./connection.ts";
import type { HookOptions, Place } from "./options.ts";

/** The options of a connection (`transport` is `auto` when left out), or a client of your own, which stays yours to close. */
export type ProviderProps = { children?: ReactNode } & (HookOptions & { client?: undefined } | { client: Client });

const ClientContext = createContext<Client | undefined>(undefined);

/** Offers one connection to the components in it: their hooks use it when they are called without options. */
export function RoomcastProvider({ children, ...props }: ProviderProps): ReactElement {
  const { client, ...options } = props as HookOptions & { client?: Client };
  const own = usePlace(client ? { enabled: false } : options, "auto");
  const place: Place = client ? { box: own.box, client } : own;
  const { seat, owner } = useSeat(place);
  // What is inside need not be rendered anew while it is the same connection.
  const offered = useMemo(() => place, [place.box, owner]);
  return createElement(PlaceContext.Provider, { value: offered },
    createElement(ClientContext.Provider, { value: client ?? seat }, children));
}

/**
 * The provider's client. It is the same object for as long as the provider is mounted; when the provider's options change,
 * its handlers and joined channels go with it to the new connection.
 */
export function useRoomcast(): Client {
  const client = useContext(ClientContext);
  if (!client) throw new Error("useRoomcast: render the component inside a <RoomcastProvider>");
  return client;
}
