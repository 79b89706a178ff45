import type { Call } from "./http.ts";
import type { Multi, Outgoing, SendOptions, Target } from "./types.ts";

/** The server's receipt for a notification. */
export interface Receipt {
  delivered: number;
  users: number;
  channels: number;
}

/** The most users or channels of one request. */
const MOST = 1000;

/**
 * Posts a notification. The server sends it once, whatever the number of attempts. Resolves with
 * undefined when it was not sent.
 */
function post(
  call: Call,
  from: string,
  path: string,
  body: object,
  options: SendOptions,
): Promise<Receipt | undefined> {
  const { idempotencyKey = crypto.randomUUID(), ...how } = options;
  return call({
    from,
    method: "POST",
    path,
    body: { ...body, ...how },
    idempotencyKey,
    reads: "delivered",
  });
}

/**
 * Posts a notification of a kind. Resolves with the number of matched connections; 0: it was not
 * sent.
 */
export function send(
  call: Call,
  from: string,
  path: string,
  body: object,
  options: SendOptions = {},
): Promise<number> {
  return post(call, from, path, body, options).then((receipt) => receipt?.delivered ?? 0);
}

/** Posts any notification to a target. Resolves like {@link send}. */
export function publish(
  call: Call,
  from: string,
  target: object,
  { type, data, metadata, ...options }: Outgoing,
): Promise<number> {
  return send(call, from, "/v1/notifications", { target, type, data, metadata }, options);
}

/** Posts a notification to any number of users or channels, in steps. The first failure ends it. */
export function publishToMany(
  call: Call,
  from: string,
  target: "users" | "channels",
  names: readonly string[],
  { type, data, metadata, ...options }: Outgoing,
): Promise<Multi> {
  if (!Array.isArray(names)) throw new TypeError(`${from}: expected an array of ${target}`);
  const distinct = [...new Set(names)].map((name, i) => named(from, `${target}[${i}]`, name));
  const total = distinct.length;
  const step = (i: number) => {
    const key = options.idempotencyKey && i > 0
      ? { idempotencyKey: `${options.idempotencyKey}:${i}` }
      : {};
    const body = { target: { [target]: distinct.slice(i, i + MOST) }, type, data, metadata };
    return post(call, from, "/v1/notifications", body, { ...options, ...key });
  };
  // In this call, which throws when the configuration is incomplete.
  const first = total > 0 ? step(0) : undefined;
  return (async () => {
    let success = 0;
    for (let i = 0; i < total; i += MOST) {
      const receipt = await (i > 0 ? step(i) : first);
      if (!receipt) break; // without a server each of the others would wait for the timeout
      success += Math.min(receipt[target], total - i, MOST);
    }
    return { success, failed: total - success, total };
  })();
}

/** Returns the notification in the arguments: an object, or type, data and metadata. */
export function outgoing(
  from: string,
  type: string | Outgoing,
  data: unknown,
  metadata: Outgoing["metadata"],
): Outgoing {
  const notification = typeof type === "object" && type !== null ? type : { type, data, metadata };
  named(from, "type", notification.type);
  return notification;
}

/**
 * Returns the target of a request. Throws when it is incomplete, which is a mistake in the program.
 */
export function targetOf(
  from: string,
  target: Target,
  targetId: string | null | undefined,
): object {
  if (target === "all") return { all: true };
  if (target !== "user" && target !== "client" && target !== "channel") {
    throw new TypeError(`${from}: target is ${
      JSON.stringify(target)
    }, expected "user", "client", "channel" or "all"`);
  }
  return {
    [target]: named(
      from,
      "targetId",
      targetId,
      `the ${target === "channel" ? "name" : "id"} of the ${target} that gets it`,
    ),
  };
}

/** Returns the value of a required argument. Throws without one. */
export function named(
  from: string,
  argument: string,
  value: unknown,
  expected = "a string",
): string {
  if (typeof value === "string" && value !== "") return value;
  const got = value === "" ? "is empty" : value == null ? "is missing" : `is a ${typeof value}`;
  throw new TypeError(`${from}: ${argument} ${got}, expected ${expected}`);
}
