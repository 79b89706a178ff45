import { useInsertionEffect, useMemo, useState, useSyncExternalStore } from "react";
import { keep, type FetchState } from "../live.ts";
import type { EventName, LiveOptions, LiveState, Reducers, Status } from "../types.ts";
import { useConnection } from "./connection.ts";
import type { HookOptions } from "./options.ts";

/** The options of {@link useLive}. */
export interface LiveHookOptions<State> extends LiveOptions<State> {
  /** What the state depends on, such as the id in the page's address: a new one reads it again. */
  key?: unknown;
  /** `false`: nothing is read, and no channel is joined (default true). */
  enabled?: boolean | undefined;
  /** A connection of its own (default transport: `auto`), in place of that of the provider. */
  connection?: HookOptions | undefined;
}

/** The result of {@link useLive}. */
export interface LiveResult<State> extends LiveState<State> {
  /** Of the connection. */
  status: Status | "idle";
  /** Reads the state again. It stays the same while the key and the user do. */
  refetch(): Promise<void>;
}

/**
 * Reads a state and keeps it up to date with notifications, so that nothing falls between. It reads
 * the state again after a gap, and when the key or the user changes. fetchState and the reducers
 * may be written inline. A notification that was published while the state was read may be in it
 * and also reach its reducer, so apply them by ids and not by counting.
 */
export function useLive<State, Type extends EventName>(
  fetchState: FetchState<State>,
  reducers: Reducers<State, Type>,
  options: LiveHookOptions<State> = {},
): LiveResult<State> {
  const { seat, owner, snapshot: { status } } = useConnection(
    "useLive",
    options.connection,
    "auto",
  );
  const { channels, enabled = true, key } = options;
  const [box] = useState(() => ({ current: { fetchState, reducers, options } }));
  useInsertionEffect(() => {
    box.current = { fetchState, reducers, options };
  });
  const id = JSON.stringify([key, [...channels ?? []].sort()]);
  const store = useMemo(() => keep(seat, () => box.current, options), [seat, box, owner, id]);
  const active = enabled && status !== "idle";
  const state = useSyncExternalStore(active ? store.subscribe : never, store.get, store.get);
  return { ...state, status, refetch: store.refetch };
}

const never = () => () => {};
