import { packed, unpacked } from "./binary.ts";
import type { Call } from "./http.ts";
import { named, type Receipt } from "./publish.ts";
import type { SendOptions } from "./types.ts";

/** Who gets an emit: exactly one of the first fields. */
export interface EmitTo extends Omit<SendOptions, "ttl" | "retain"> {
  /** A room of the namespace, or the id of a client. */
  room?: string | undefined;
  user?: string | undefined;
  users?: readonly string[] | undefined;
  channel?: string | undefined;
  channels?: readonly string[] | undefined;
  client?: string | undefined;
  /** Every client of the namespace. */
  all?: true | undefined;
  /** A Socket.IO namespace (default `/`). */
  namespace?: string | undefined;
  /** Rooms and client ids whose members do not get it. */
  except?: readonly string[] | undefined;
}

/** The acknowledgements of an emit. */
export interface Acks {
  /** The clients that answered, with the arguments of their acknowledgements. */
  acks: { client: string; args: any[] }[];
  /** The ids of the clients that did not. */
  missing: string[];
  /** Whether the time was over before all had answered. */
  timedOut: boolean;
}

/** Emits with bare arguments. */
export interface EmitFunctions {
  /**
   * Does what `io.to(room).emit(event, ...args)` does in a Node server: listeners get exactly the
   * arguments. A Uint8Array, a Buffer or an ArrayBuffer in them arrives as binary. Resolves with the
   * number of current connections.
   */
  emit(to: string | EmitTo, event: string, ...args: unknown[]): Promise<number>;
  /**
   * Emits and waits up to 5 s for the acknowledgements of Socket.IO clients. Binary in an
   * acknowledgement arrives as a Uint8Array. Resolves with undefined after a failure.
   */
  emitWithAck(to: string | EmitTo, event: string, ...args: unknown[]): Promise<Acks | undefined>;
}

/** Returns the functions of {@link EmitFunctions}. */
export function emitFunctions(call: Call): EmitFunctions {
  const post = (
    from: string,
    query: string,
    reads: string,
    to: string | EmitTo,
    event: string,
    args: unknown[],
  ) => {
    const { idempotencyKey = crypto.randomUUID(), ...body } = request(from, to);
    named(from, "event", event);
    return call({
      from,
      method: "POST",
      path: `/v1/emit${query}`,
      body: { ...body, event, args: args.map(packed) },
      idempotencyKey,
      reads,
    });
  };
  return {
    emit: (to, event, ...args) =>
      post("emit", "", "delivered", to, event, args)
        .then((receipt?: Receipt) => receipt?.delivered ?? 0),
    emitWithAck: (to, event, ...args) =>
      post("emitWithAck", "?wait=ack", "acks", to, event, args)
        .then((answer?: Acks) =>
          answer && {
            ...answer,
            acks: answer.acks.map(({ client, args }) => ({ client, args: unpacked(args) })),
          }
        ),
  };
}

/** Returns the body of a request, without the event. */
function request(from: string, to: string | EmitTo) {
  if (typeof to === "string") return { room: named(from, "room", to) } as EmitTo;
  if (typeof to !== "object" || to === null)
    throw new TypeError(`${from}: expected a room, or an object such as {user: "u1"}`);
  const { user, users, channel, channels, client, all, ...rest } = to;
  const target = { user, users, channel, channels, client, all };
  return Object.values(target).some((value) => value !== undefined) ? { ...rest, target } : rest;
}
