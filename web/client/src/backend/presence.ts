import type { Notification } from "../types.ts";
import type { Call } from "./http.ts";
import { named } from "./publish.ts";

/** One connection, or all current connections of a user. */
export type Who = { client: string; user?: never } | { user: string; client?: never };

/** The rights of a ticket. */
export interface TicketOptions {
  username?: string | undefined;
  /** Patterns of the channels that its holder may join: `orders`, `team-*`. */
  channels?: readonly string[] | undefined;
  /** How long the ticket is valid, at most `"30s"` (the default). */
  ttl?: string | undefined;
}

/** Credentials for one connection. */
export interface Ticket {
  ticket: string;
  /** RFC 3339. */
  expiresAt: string;
}

/** Stored notifications. */
export interface History {
  /** Oldest first. */
  notifications: Notification[];
  /** Some notifications after `since` are no longer stored. */
  gap: boolean;
  /** The `since` for the next call. */
  cursor: string;
}

/** Channels of connections, tickets and history. */
export interface PresenceFunctions {
  /** Joins current connections to a channel. Resolves with their number. */
  joinChannel(who: Who, channel: string): Promise<number>;
  /** Removes connections from a channel. Resolves with how many were in it. */
  leaveChannel(who: Who, channel: string): Promise<number>;
  /** Resolves with credentials for one connection of a user, or with undefined after a failure. */
  issueTicket(userId: string, options?: TicketOptions): Promise<Ticket | undefined>;
  /**
   * Resolves with the newest notifications of a user or a channel, or with those after `since`
   * (`"0"`: all that are stored), up to `limit` (default 100, at most 1000). After a failure the
   * list is empty and the cursor is `since`.
   */
  getHistory(
    of: { user: string } | { channel: string },
    options?: { since?: string | undefined; limit?: number | undefined },
  ): Promise<History>;
}

/** Returns the functions of {@link PresenceFunctions}. */
export function presenceFunctions(call: Call): PresenceFunctions {
  const member = (
    from: string,
    method: "PUT" | "DELETE",
    { client, user }: Who,
    channel: string,
  ) => {
    const [list, id] = client === undefined
      ? ["users", named(from, "user", user)]
      : ["connections", named(from, "client", client)];
    const path = `/v1/${list}/${encodeURIComponent(id)}/channels/${
      encodeURIComponent(named(from, "channel", channel))
    }`;
    return call({ from, method, path, absent: true, reads: method === "PUT" ? "joined" : "left" });
  };
  return {
    joinChannel: (who, channel) =>
      member("joinChannel", "PUT", who, channel).then((answer) => answer?.joined ?? 0),
    leaveChannel: (who, channel) =>
      member("leaveChannel", "DELETE", who, channel).then((answer) => answer?.left ?? 0),
    issueTicket: (userId, options) =>
      call({
        from: "issueTicket",
        method: "POST",
        path: "/v1/tickets",
        reads: "ticket",
        body: { ...options, userId: named("issueTicket", "userId", userId) },
      }),
    getHistory: (of, { since, limit } = {}) => {
      const query = new URLSearchParams({
        ...("user" in of
          ? { user: named("getHistory", "user", of.user) }
          : { channel: named("getHistory", "channel", of.channel) }),
        ...(since && { since }),
        ...(limit && { limit: `${limit}` }),
      });
      return call({
        from: "getHistory",
        method: "GET",
        path: `/v1/notifications?${query}`,
        reads: "notifications",
      })
        .then((answer) => answer ?? { notifications: [], gap: false, cursor: since ?? "" });
    },
  };
}
