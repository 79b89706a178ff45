import { useCallback, useState, useSyncExternalStore } from "react";
import { isReply } from "../replies.ts";
import type { ClientError, Connected, Joined, Notification, Receipt, Status } from "../types.ts";
import { useConnection } from "./connection.ts";
import { handlersOf, useStable, type Handlers } from "./handlers.ts";
import type { HookOptions } from "./options.ts";
import { isNotification, type Seat } from "./seat.ts";

/** The result of {@link useEventSource}. */
export interface EventSourceResult extends Handlers {
  connected: boolean;
  /** `idle`: there is no user yet, or `enabled` is false. */
  status: Status | "idle";
  /** Why the component is not connected. */
  error: ClientError | undefined;
  /**
   * The last notification of any type. Only a component that reads it renders again for each one.
   */
  readonly lastEvent: Notification | undefined;
  /** Connects again at once, also after a refusal. */
  reconnect(): void;
}

/** The result of {@link useSocket} and {@link useSSE}. */
export interface SocketResult extends Handlers {
  status: Status | "idle";
  isConnected: boolean;
  clientId: string | undefined;
  /** The `connected` event: the identity of this client, and the number of connections. */
  connectionInfo: Connected | undefined;
  error: ClientError | undefined;
  /** Joins channels (default: `default`), now and after each reconnect. */
  subscribe(channels?: string | readonly string[]): Promise<Joined>;
  unsubscribe(channels?: string | readonly string[]): Promise<void>;
  /**
   * Joins one channel, now and after each reconnect. Rejects when there is no connection within
   * `timeout`; the next connection still joins the channel. In a component that is `idle` it
   * resolves with nothing joined, and the channel is joined later.
   */
  joinRoom(room: string): Promise<Joined>;
  /** Leaves a channel, unless another component that shares the connection has joined it too. */
  leaveRoom(room: string): Promise<void>;
  /** Sends a message to a channel, whose members get the event `message`. Rejects when refused. */
  sendMessage(room: string, message: unknown, metadata?: Record<string, unknown>): Promise<Receipt>;
  /** Sends an event to handlers of Go code (Socket.IO only); false when it cannot be sent. */
  emit(event: string, ...args: unknown[]): boolean;
  /** Connects again at once, also after a refusal. */
  reconnect(): void;
}

/**
 * Connects by EventSource while the component is mounted. Components with equal options share a
 * connection. Without options the hook uses that of the provider.
 */
export function useEventSource(options?: HookOptions): EventSourceResult {
  const { seat, owner, snapshot: { status, error } } = useConnection(
    "useEventSource",
    options,
    "sse",
  );
  const { addHandler, removeHandler, reconnect } = useStable(seat, actionsOf, options);
  const last = useLastEvent(seat, owner);
  return {
    connected: status === "connected",
    status,
    error,
    addHandler,
    removeHandler,
    reconnect,
    get lastEvent() {
      return last();
    },
  };
}

/**
 * {@link useSocket} over EventSource: messages and channels are requests, and `emit` always fails.
 */
export function useSSE(config?: HookOptions): SocketResult {
  return useRooms("useSSE", config, "sse");
}

/**
 * Connects by Socket.IO, for components that also send. It sends `ping` every 3 s (`pingInterval`).
 * Components with equal options share a connection. Without options the hook uses that of the
 * provider.
 */
export function useSocket(options?: HookOptions): SocketResult {
  return useRooms("useSocket", options, "socket.io");
}

function useRooms(
  name: string,
  options: HookOptions | undefined,
  transport: "socket.io" | "sse",
): SocketResult {
  const { seat, snapshot: { status, error, clientId, connection } } = useConnection(
    name,
    options,
    transport,
  );
  return {
    status,
    isConnected: status === "connected",
    clientId,
    connectionInfo: connection,
    error,
    ...useStable(seat, actionsOf, options),
  };
}

function actionsOf(seat: Seat, envelope?: boolean) {
  // Effects seldom wait for the promise. A join without an answer is tried again, so its rejection
  // is no unhandled error.
  const quietly = <T>(promise: Promise<T>) => {
    promise.catch(() => {});
    return promise;
  };
  const list = (channels: string | readonly string[] = "default") => [channels].flat() as string[];
  return {
    ...handlersOf(seat, envelope),
    subscribe: (channels?: string | readonly string[]) => quietly(seat.join(...list(channels))),
    unsubscribe: (channels?: string | readonly string[]) => quietly(seat.leave(...list(channels))),
    joinRoom: (room: string) => quietly(seat.join(room)),
    leaveRoom: (room: string) => quietly(seat.leave(room)),
    sendMessage: seat.send,
    emit: seat.emit,
    reconnect: seat.reconnect,
  };
}

/**
 * Returns a function that reads the last notification, and subscribes the component to the next
 * ones.
 */
function useLastEvent(seat: Seat, owner: unknown): () => Notification | undefined {
  const [own] = useState(() => ({
    read: false,
    last: undefined as Notification | undefined,
    owner,
  }));
  const subscribe = useCallback((listener: () => void) =>
    seat.onAny((_name, value) => {
      if (!isNotification(value) || isReply(value)) return;
      own.last = value;
      own.owner = owner;
      if (own.read) listener();
    }), [seat, own, owner]);
  const last = useSyncExternalStore(
    subscribe,
    () => own.owner === owner ? own.last : undefined,
    () => undefined,
  );
  return () => {
    own.read = true;
    return last;
  };
}
