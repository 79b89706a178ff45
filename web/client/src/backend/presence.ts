import type { Notification } from "../types.ts";
import type { Call } from "./http.ts";
import { named } from "./publish.ts";

/** A connection, or all connections that a user has now. */
export type Who = { client: string; user?: never } | { user: string; client?: never };

/** For whom a ticket is. */
export interface TicketOptions {
  username?: string | undefined;
  /** Patterns of the channels that may be joined: `orders`, `team-*`. */
  channels?: readonly string[] | undefined;
  /** For how long it can be used, at most `"30s"`, which is the default. */
  ttl?: string | undefined;
}

/** Credentials for one connection. */
export interface Ticket {
  ticket: string;
  /** RFC 3339. */
  expiresAt: string;
}

/** Notifications that are kept. */
export interface History {
  /** Oldest first. */
  notifications: Notification[];
  /** Others after `since` are not kept any more. */
  gap: boolean;
  /** The `since` that reads on. */
  cursor: string;
}

/** Functions about who may hear what. */
export interface PresenceFunctions {
  /** Puts connections that are there now into a channel. Resolves with how many they are. */
  joinChannel(who: Who, channel: string): Promise<number>;
  /** Takes connections out of a channel. Resolves with how many were in it. */
  leaveChannel(who: Who, channel: string): Promise<number>;
  /** Resolves with credentials for one connection of a user, or with undefined when there are none to be had. */
  issueTicket(userId: string, options?: TicketOptions): Promise<Ticket | undefined>;
  /**
   * Resolves with the newest notifications of a user or a channel, those after `since` with it, `"0"` being all that
   * are kept; up to `limit` (100, at most 1000). Empty, with since as cursor, when the server cannot be asked.
   */
  getHistory(of: { user: string } | { channel: string }, options?: { since?: string | undefined; limit?: number | undefined }): Promise<History>;
}

/** Returns these functions. */
export function presenceFunctions(call: Call): PresenceFunctions {
  const member = (from: string, method: "PUT" | "DELETE", { client, user }: Who, channel: string) => {
    const [list, id] = client === undefined ? ["users", named(from, "user", user)] : ["connections", named(from, "client", client)];
    const path = `/v1/${list}/${encodeURIComponent(id)}/channels/${encodeURIComponent(named(from, "channel", channel))}`;
    return call({ from, method, path, absent: true, reads: method === "PUT" ? "joined" : "left" });
  };
  return {
    joinChannel: (who, channel) => member("joinChannel", "PUT", who, channel).then((answer) => answer?.joined ?? 0),
    leaveChannel: (who, channel) => member("leaveChannel", "DELETE", who, channel).then((answer) => answer?.left ?? 0),
    issueTicket: (userId, options) =>
      call({
        from: "issueTicket", method: "POST", path: "/v1/tickets", reads: "ticket",
        body: { ...options, userId: named("issueTicket", "userId", userId) },
      }),
    getHistory: (of, { since, limit } = {}) => {
      const query = new URLSearchParams({
        ...("user" in of ? { user: named("getHistory", "user", of.user) } : { channel: named("getHistory", "channel", of.channel) }),
        ...(since && { since }), ...(limit && { limit: `${limit}` }),
      });
      return call({ from: "getHistory", method: "GET", path: `/v1/notifications?${query}`, reads: "notifications" })
        .then((answer) => answer ?? { notifications: [], gap: false, cursor: since ?? "" });
    },
  };
}
