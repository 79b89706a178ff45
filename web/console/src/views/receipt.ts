// What the API replies after it sent something, in one line.

import { plural } from "../text.ts";

/** The reply to a notification or an event. A volatile one has no id. */
export interface Receipt {
  id?: string;
  delivered: number;
  users: number;
  channels: number;
  stored?: boolean;
}

/** The reply to an event that waits for acknowledgements. */
export interface Acks {
  acks: { client: string; args: unknown[] }[];
  missing: string[];
  timedOut: boolean;
}

/** Returns the id and the counts of a receipt. */
export const countsOf = ({ id = "volatile", delivered, users, channels }: Receipt): string =>
  `${id} · ${plural(delivered, "connection")} · ${plural(users, "user")} · ${
    plural(channels, "channel")
  }`;

/** Returns a reply in one line. */
export function replyLine(reply: Receipt | Acks): string {
  if ("acks" in reply) return acksLine(reply);
  if (reply.delivered) return countsOf(reply);
  return `${countsOf(reply)} · ${
    reply.stored ? "no receiver is connected; it is kept for replay" : "nobody received it"
  }`;
}

function acksLine({ acks, missing, timedOut }: Acks): string {
  const asked = acks.length + missing.length;
  if (!asked) return "No Socket.IO client received it, so there is no acknowledgement.";
  return [
    `${plural(acks.length, "acknowledgement")} of ${plural(asked, "client")}`,
    missing.length > 0 && `${plural(missing.length, "client")} without one`,
    timedOut && "the time is over",
  ].filter(Boolean).join(" · ");
}
