import type { Call } from "./http.ts";
import { kinds, type KindFunctions } from "./kinds.ts";
import { translated, type OriginalForms } from "./original.ts";
import { named, send, targetOf } from "./publish.ts";
import type { Fields, SendOptions, Target } from "./types.ts";

type Name = keyof KindFunctions;

/** The functions of the kinds, with all their forms. */
export type AllKindFunctions = Omit<KindFunctions, keyof OriginalForms> & OriginalForms;

/** Returns the functions of all kinds of the catalogue. */
export function kindFunctions(call: Call): AllKindFunctions {
  const all: Partial<Record<Name, unknown>> = {};
  for (const name of Object.keys(kinds) as Name[]) all[name] = kindFunction(call, name);
  return all as unknown as AllKindFunctions;
}

function kindFunction(call: Call, from: Name) {
  const { kind, id, status, own } = kinds[from];
  return (...given: any[]): Promise<any> => {
    const args = [...translated(from, given, (data) => fieldsOf(from, data))];
    const head: Record<string, unknown> = id ? { [id]: args.shift() } : {};
    head[status] = args.shift();
    const [value, target, targetId, options] = args as [Fields?, Target?, string?, SendOptions?];
    const { metadata, ...data } = fieldsOf(from, value);
    const to = target == null
      ? ownTarget(from, own, id, head, data, targetId)
      : targetOf(from, target, targetId);
    const body = { ...head, data, metadata, target: to };
    return send(call, from, `/v1/notifications/${kind}`, body, options)
      .then((delivered) => (target === "client" ? delivered > 0 : delivered));
  };
}

/** Returns the fields of data. Database documents have theirs behind toJSON. */
function fieldsOf(from: string, data: any): Fields {
  if (data == null) return {};
  const fields = typeof data.toJSON === "function" ? data.toJSON() : data;
  if (typeof fields !== "object" || Array.isArray(fields))
    throw new TypeError(`${from}: data is not an object`);
  return fields;
}

/** Checks the default target of a kind, which is not in the request. */
function ownTarget(
  from: string,
  own: string,
  id: string,
  head: Fields,
  data: Fields,
  targetId: unknown,
): undefined {
  // Otherwise the notification would go to the default target, which can be everyone.
  if (targetId != null)
    throw new TypeError(`${from}: targetId without target, expected "user", "client" or "channel" as target`);
  const field = own.startsWith("data.") && own.slice(5);
  if (field && !data[field])
    throw new TypeError(`${from}: no target: expected ${own}, or target and targetId`);
  if (own === "user") named(from, id, head[id]);
  if (own === "")
    throw new TypeError(`${from}: target is missing: "user", "client", "channel" or "all", followed by a targetId`);
}
