import { useCallback, useSyncExternalStore } from "react";
import type { Catalogue } from "../catalogue.ts";
import type { EventName, Notification, Status } from "../types.ts";
import { useProvided, useSeat } from "./connection.ts";
import { useStable } from "./handlers.ts";
import { isNotification } from "./seat.ts";

/** The notification of a type. Of a union of types it is the union of theirs, so that `type` tells them apart. */
export type NotificationOf<Type extends string> =
  Type extends keyof Catalogue ? Notification<Catalogue[Type], Type> : Notification<any, Type>;

/** What {@link useNotifications} returns. */
export interface Notifications<Type extends string> {
  /** The newest first. */
  notifications: readonly NotificationOf<Type>[];
  /** The newest. */
  last: NotificationOf<Type> | undefined;
  /** Empties the list. */
  clear(): void;
  connected: boolean;
  status: Status | "idle";
}

/** The server's answers to what a client itself asked. */
const REPLIES = ["pong", "subscribed", "unsubscribed", "room-joined", "room-left", "custom-event-response"];

export const isReply = ({ type, id }: Notification) => !id && REPLIES.includes(type);

const NONE: readonly never[] = [];

/**
 * The notifications that came over the provider's connection since the component was mounted. types: those to list; all but
 * the answers to the client's own events when left out. limit: how many are kept.
 */
export function useNotifications<Type extends EventName = string>(
  types?: Type | readonly Type[], { limit = 100 }: { limit?: number | undefined } = {},
): Notifications<Type> {
  const { seat, snapshot: { status } } = useSeat(useProvided("useNotifications"));
  const { clear, ...list } = useStable(seat, createList);
  const filter = types === undefined ? "" : JSON.stringify([types].flat());

  const subscribe = useCallback((listener: () => void) => {
    const wanted: string[] | undefined = filter ? JSON.parse(filter) : undefined;
    const fits = (value: Notification) => wanted ? wanted.includes(value.type) : !isReply(value);
    list.set(list.get().filter(fits).slice(0, limit)); // of the filter and limit before
    const unlisten = list.listen(listener);
    const end = seat.onAny((_name, value) => {
      if (isNotification(value) && fits(value)) list.set([value, ...list.get()].slice(0, limit));
    });
    return () => {
      end();
      unlisten();
    };
  }, [seat, filter, limit]);
  const notifications = useSyncExternalStore(subscribe, list.get, () => NONE) as readonly NotificationOf<Type>[];
  return { notifications, last: notifications[0], clear, connected: status === "connected", status };
}

function createList() {
  let items: readonly Notification[] = NONE;
  const listeners = new Set<() => void>();
  const set = (next: readonly Notification[]) => {
    if (next.length === 0 && items.length === 0) return;
    items = next;
    for (const listener of [...listeners]) listener();
  };
  return {
    get: () => items,
    set,
    clear: () => set(NONE),
    listen(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
