// The handlers of the hooks: they get the data first, because that is what most of them want, and then the rest.

import { useState } from "react";
import type { Catalogue } from "../catalogue.ts";
import type { ControlEvents, EventName, Notification, Unsubscribe } from "../types.ts";
import { isNotification, type Seat } from "./seat.ts";

// Of several names, what any of them gives: not one handler out of several, whose parameters would have no types.
type DataOf<Name extends string> =
  Name extends keyof ControlEvents ? ControlEvents[Name] : Name extends keyof Catalogue ? Catalogue[Name] : any;
type RestOf<Name extends string> =
  Name extends keyof ControlEvents ? undefined : Name extends keyof Catalogue ? Notification<Catalogue[Name], Name> : Notification;

/** The handler for a name: of a control event, of a type of the catalogue, or of any other. */
export type DataHandler<Name extends string> = (data: DataOf<Name>, notification: RestOf<Name>) => void;

/** What all hooks that take handlers return of it. Both functions stay the same ones for as long as the component lives. */
export interface Handlers {
  /**
   * Calls handler for each event of that type; there may be several for one type, and the same function counts once. It may
   * be called at any time, also before there is a connection. All handlers end with the component.
   */
  addHandler<Name extends EventName>(type: Name, handler: DataHandler<Name>): Unsubscribe;
  /** Ends one handler, or all that this component added for the type. */
  removeHandler(type: EventName, handler?: (...args: any[]) => void): void;
}

export function handlersOf(seat: Seat): Handlers {
  return {
    addHandler: (type: string, handler: (...args: any[]) => void) =>
      seat.listen(type, handler, (value) => isNotification(value) ? handler(value.data, value) : handler(value)),
    removeHandler: (type, handler) => seat.off(type, handler),
  };
}

/** Functions on a seat that are made once. */
export function useStable<T>(seat: Seat, make: (seat: Seat) => T): T {
  return useState(() => make(seat))[0];
}
