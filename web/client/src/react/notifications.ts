import { useCallback, useSyncExternalStore } from "react";
import type { Catalogue } from "../catalogue.ts";
import { isReply } from "../replies.ts";
import type { EventName, Notification, Status } from "../types.ts";
import { useProvided, useSeat } from "./connection.ts";
import { useStable } from "./handlers.ts";
import { isNotification } from "./seat.ts";

/**
 * The notification of a type. For a union of types it is the union of theirs, which `type`
 * discriminates.
 */
export type NotificationOf<Type extends string> = Type extends keyof Catalogue
  ? Notification<Catalogue[Type], Type>
  : Notification<any, Type>;

/** The result of {@link useNotifications}. */
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

const NONE: readonly never[] = [];

/**
 * Lists the notifications that the provider's connection received since the component was mounted.
 * types: the ones to list (default: all except replies to this client). limit: the length of the
 * list.
 */
export function useNotifications<Type extends EventName = string>(
  types?: Type | readonly Type[],
  { limit = 100 }: { limit?: number | undefined } = {},
): Notifications<Type> {
  const { seat, owner, snapshot: { status } } = useSeat(useProvided("useNotifications"));
  const { clear, ...list } = useStable(seat, createList);
  const filter = types === undefined ? "" : JSON.stringify([types].flat());

  const subscribe = useCallback((listener: () => void) => {
    const wanted: string[] | undefined = filter ? JSON.parse(filter) : undefined;
    const fits = (value: Notification) => wanted ? wanted.includes(value.type) : !isReply(value);
    list.change((items) => items.filter(fits).slice(0, limit)); // the filter or the limit changed
    const unlisten = list.listen(listener);
    const end = seat.onAny((_name, value) => {
      if (isNotification(value) && fits(value)) list.push(value, limit, owner);
    });
    return () => {
      end();
      unlisten();
    };
  }, [seat, filter, limit, owner]);
  const notifications = useSyncExternalStore(
    subscribe,
    () => list.get(owner),
    () => NONE,
  ) as readonly NotificationOf<Type>[];
  return {
    notifications,
    last: notifications[0],
    clear,
    connected: status === "connected",
    status,
  };
}

/**
 * The shortest time between two renderings of a list, in ms: a burst does not render each
 * notification.
 */
const PACE = 16;

function createList() {
  let items: readonly Notification[] = NONE,
    shown = items,
    of: unknown,
    timer: ReturnType<typeof setTimeout> | undefined;
  const listeners = new Set<() => void>();
  function show() {
    timer = undefined;
    if (shown === items) return;
    shown = items;
    for (const listener of [...listeners]) listener();
    timer = setTimeout(show, PACE);
  }
  function change(make: (items: readonly Notification[]) => readonly Notification[]) {
    const next = make(items);
    items = next.length ? next : NONE;
    clearTimeout(timer);
    show();
  }
  return {
    get: (owner: unknown) => owner === of ? shown : NONE,
    change,
    push(notification: Notification, limit: number, owner: unknown) {
      if (owner !== of) items = shown = NONE;
      of = owner;
      items = [notification, ...items].slice(0, limit);
      if (timer === undefined) show(); // the first at once
    },
    clear: () => change(() => NONE),
    listen(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
