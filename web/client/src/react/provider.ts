import {
  createContext,
  createElement,
  useContext,
  useMemo,
  type ReactElement,
  type ReactNode,
} from "react";
import type { Client } from "../types.ts";
import { PlaceContext, usePlace, useSeat } from "./connection.ts";
import type { HookOptions, Place } from "./options.ts";

/**
 * The options of a connection (default transport: `auto`), or a client that the application made
 * and closes.
 */
export type ProviderProps =
  & { children?: ReactNode }
  & (HookOptions & { client?: undefined } | { client: Client });

const ClientContext = createContext<Client | undefined>(undefined);

/**
 * Offers one connection to the components inside it. Their hooks use it when called without
 * options.
 */
export function RoomcastProvider({ children, ...props }: ProviderProps): ReactElement {
  const { client, ...options } = props as HookOptions & { client?: Client };
  const own = usePlace(client ? { enabled: false } : options, "auto");
  const place: Place = client ? { box: own.box, client } : own;
  const { seat, owner } = useSeat(place);
  // The components inside do not render again while the connection stays the same.
  const offered = useMemo(() => place, [place.box, owner]);
  return createElement(
    PlaceContext.Provider,
    { value: offered },
    createElement(ClientContext.Provider, { value: client ?? seat }, children),
  );
}

/**
 * Returns the provider's client. It is the same object while the provider is mounted. When the
 * options of the provider change, its handlers and joined channels move to the new connection.
 */
export function useRoomcast(): Client {
  const client = useContext(ClientContext);
  if (!client) throw new Error("useRoomcast: render the component inside a <RoomcastProvider>");
  return client;
}
