// Credentials for a connection of the console.

import type { Options } from "roomcast";
import { authMode, call, key, lineOf } from "./api.ts";

/**
 * Returns a source of tickets, which work in every mode, if there is a key; else the user id.
 * channels: returns those that a ticket of a limited key has to name.
 */
export async function credentials(userId: string, channels: () => string[]): Promise<Options> {
  if (!userId) throw new Error("A user ID is required: the user whose notifications to show.");
  const bare = { userId, username: userId };
  const mode = key.value ? await authMode() : "open";
  if (mode === "open") return bare;
  const getTicket = () => ticket(userId, ["*"]).catch(() => ticket(userId, channels()));
  // A limited key may not ask for the mode. If it may not issue tickets either, the user id is
  // all there is.
  if (!mode && !await getTicket().then(() => true, () => false)) return bare;
  return { getTicket };
}

async function ticket(userId: string, patterns: string[]) {
  const { json, problem } = await call<{ ticket: string }>("POST", "v1/tickets", {
    body: JSON.stringify({ userId, channels: patterns }),
  });
  if (problem)
    throw Object.assign(new Error(lineOf(problem)), {
      code: problem.status === 401 ? "forbidden" : problem.code,
    });
  return json.ticket;
}
