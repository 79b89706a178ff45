import type { Call } from "./http.ts";
import type { Multi, Outgoing, SendOptions, Target } from "./types.ts";

/** What the server says of a notification. */
export interface Receipt {
  delivered: number;
  users: number;
  channels: number;
}

/** The most users or channels of one request. */
const MOST = 1000;

/** Posts a notification, once however many attempts it takes. Resolves with undefined when it was not sent. */
function post(call: Call, from: string, path: string, body: object, options: SendOptions): Promise<Receipt | undefined> {
  const { idempotencyKey = crypto.randomUUID(), ...how } = options;
  return call({ from, method: "POST", path, body: { ...body, ...how }, idempotencyKey, reads: "delivered" });
}

/** Posts a notification of a kind. Resolves with how many connections it is for, 0 when it was not sent. */
export function send(call: Call, from: string, path: string, body: object, options: SendOptions = {}): Promise<number> {
  return post(call, from, path, body, options).then((receipt) => receipt?.delivered ?? 0);
}

/** Posts any notification to a target. Resolves as {@link send} does. */
export function publish(call: Call, from: string, target: object, { type, data, metadata, ...options }: Outgoing): Promise<number> {
  return send(call, from, "/v1/notifications", { target, type, data, metadata }, options);
}

/** Posts a notification to any number of users or channels, in steps, up to the first one that fails. */
export function publishToMany(
  call: Call, from: string, target: "users" | "channels", names: readonly string[], { type, data, metadata, ...options }: Outgoing,
): Promise<Multi> {
  if (!Array.isArray(names)) throw new TypeError(`${from}: got no array of ${target}`);
  const distinct = [...new Set(names)].map((name, i) => named(from, `${target}[${i}]`, name));
  const total = distinct.length;
  const step = (i: number) => {
    const key = options.idempotencyKey && i > 0 ? { idempotencyKey: `${options.idempotencyKey}:${i}` } : {};
    const body = { target: { [target]: distinct.slice(i, i + MOST) }, type, data, metadata };
    return post(call, from, "/v1/notifications", body, { ...options, ...key });
  };
  const first = total > 0 ? step(0) : undefined; // at once: what is missing in the configuration must throw here
  return (async () => {
    let success = 0;
    for (let i = 0; i < total; i += MOST) {
      const receipt = await (i > 0 ? step(i) : first);
      if (!receipt) break; // a server that is away would keep each of the others waiting
      success += Math.min(receipt[target], total - i, MOST);
    }
    return { success, failed: total - success, total };
  })();
}

/** A notification given as an object, or as type, data and metadata. */
export function outgoing(from: string, type: string | Outgoing, data: unknown, metadata: Outgoing["metadata"]): Outgoing {
  const notification = typeof type === "object" && type !== null ? type : { type, data, metadata };
  named(from, "type", notification.type);
  return notification;
}

/** The target of a request. What is missing is a mistake in the program: it throws at once. */
export function targetOf(from: string, target: Target, targetId: string | null | undefined): object {
  if (target === "all") return { all: true };
  if (target !== "user" && target !== "client" && target !== "channel") {
    throw new TypeError(`${from}: target is ${JSON.stringify(target)}, expected "user", "client", "channel" or "all"`);
  }
  return { [target]: named(from, "targetId", targetId, `the ${target === "channel" ? "name" : "id"} of the ${target} that gets it`) };
}

/** The value of an argument that must be there. */
export function named(from: string, argument: string, value: unknown, expected = "a string"): string {
  if (typeof value === "string" && value !== "") return value;
  const got = value === "" ? "is empty" : value == null ? "is missing" : `is a ${typeof value}`;
  throw new TypeError(`${from}: ${argument} ${got}, expected ${expected}`);
}
