// The handlers of the hooks. They get the data first, because most of them need nothing else.

import { useState } from "react";
import type { Catalogue } from "../catalogue.ts";
import type { ControlEvents, EventName, Notification, Unsubscribe } from "../types.ts";
import type { HookOptions } from "./options.ts";
import { isNotification, type Seat } from "./seat.ts";

// Distributes over a union of names inside the parameters: a union of handlers would leave the
// parameters of an inline function without types.
type DataOf<Name extends string> = Name extends keyof ControlEvents ? ControlEvents[Name]
  : Name extends keyof Catalogue ? Catalogue[Name]
  : any;
type RestOf<Name extends string> = Name extends keyof ControlEvents ? undefined
  : Name extends keyof Catalogue ? Notification<Catalogue[Name], Name>
  : Notification;

/** The handler for a name: of a control event, of a type of the catalogue, or of any other. */
export type DataHandler<Name extends string> = (
  data: DataOf<Name>,
  notification: RestOf<Name>,
) => void;

/**
 * The part that all hooks with handlers return. Both functions stay the same while the component
 * lives.
 */
export interface Handlers {
  /**
   * Calls handler for each event of that type. A type can have several handlers; the same function
   * counts once. It may be called at any time, also without a connection. All handlers end with the
   * component.
   */
  addHandler<Name extends EventName>(type: Name, handler: DataHandler<Name>): Unsubscribe;
  /** Removes one handler, or all that this component added for the type. */
  removeHandler(type: EventName, handler?: (...args: any[]) => void): void;
}

/** envelope: handlers get the notification in place of its data. */
export function handlersOf(seat: Seat, envelope?: boolean): Handlers {
  return {
    addHandler: (type: string, handler: (...args: any[]) => void) =>
      seat.listen(type, handler, (value) => {
        if (!isNotification(value)) handler(value);
        // The original application has no envelope around the news of connections.
        else if (envelope && value.type !== "connection-update") handler(value, value);
        else handler(value.data, value);
      }),
    removeHandler: (type, handler) => seat.off(type, handler),
  };
}

/** Returns functions on a seat that stay the same from render to render. */
export function useStable<T>(
  seat: Seat,
  make: (seat: Seat, envelope?: boolean) => T,
  options?: HookOptions,
): T {
  return useState(() => make(seat, options?.envelope))[0];
}
