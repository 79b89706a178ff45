import type { Call } from "./http.ts";
import { named, outgoing, publish, publishToMany } from "./publish.ts";
import type { Multi, Outgoing } from "./types.ts";

type Metadata = Outgoing["metadata"];

/** Sends of types outside the catalogue. */
export interface NotifyFunctions {
  /**
   * Sends a text to one connection, as type `notification` with data `{message}`. Resolves with
   * whether the connection exists now.
   */
  notifyClient(clientId: string, message: string): Promise<boolean>;
  /** Sends a notification of any type to one connection. Resolves with whether it exists now. */
  notifyClient(
    clientId: string,
    type: string,
    data: unknown,
    metadata?: Metadata,
  ): Promise<boolean>;
  /**
   * Sends a text to a user, as type `notification` with data `{message}`. Resolves with the number
   * of current connections.
   */
  notifyUser(userId: string, message: string): Promise<number>;
  /**
   * Sends a notification of any type to a user. Resolves with the number of current connections.
   */
  notifyUser(userId: string, type: string, data: unknown, metadata?: Metadata): Promise<number>;
  /** Sends a notification to many users, in requests of 1,000. */
  sendMultiUserNotification(
    userIds: readonly string[],
    type: string,
    data: unknown,
    metadata?: Metadata,
  ): Promise<Multi>;
  sendMultiUserNotification(userIds: readonly string[], notification: Outgoing): Promise<Multi>;
  /**
   * Sends a notification to the members of many channels, in requests of 1,000. A member of several
   * channels of one request gets it once.
   */
  sendMultiChannelNotification(
    channels: readonly string[],
    type: string,
    data: unknown,
    metadata?: Metadata,
  ): Promise<Multi>;
  sendMultiChannelNotification(channels: readonly string[], notification: Outgoing): Promise<Multi>;
}

/** Returns the functions of {@link NotifyFunctions}. */
export function notifyFunctions(call: Call): NotifyFunctions {
  /** Returns a notification: one argument is a text, more are type, data and metadata. */
  const textOr = (
    from: string,
    [type, ...rest]: [type: string, data?: unknown, metadata?: Metadata],
  ) =>
    outgoing(
      from,
      rest.length === 0 ? { type: "notification", data: { message: type } } : type,
      rest[0],
      rest[1],
    );
  return {
    notifyClient: (clientId: string, ...what: [string, unknown?, Metadata?]) =>
      publish(
        call,
        "notifyClient",
        { client: named("notifyClient", "clientId", clientId) },
        textOr("notifyClient", what),
      )
        .then((delivered) => delivered > 0),
    notifyUser: (userId: string, ...what: [string, unknown?, Metadata?]) =>
      publish(
        call,
        "notifyUser",
        { user: named("notifyUser", "userId", userId) },
        textOr("notifyUser", what),
      ),
    sendMultiUserNotification: (
      userIds: readonly string[],
      type: string | Outgoing,
      data?: unknown,
      metadata?: Metadata,
    ) =>
      publishToMany(
        call,
        "sendMultiUserNotification",
        "users",
        userIds,
        outgoing("sendMultiUserNotification", type, data, metadata),
      ),
    sendMultiChannelNotification: (
      channels: readonly string[],
      type: string | Outgoing,
      data?: unknown,
      metadata?: Metadata,
    ) =>
      publishToMany(
        call,
        "sendMultiChannelNotification",
        "channels",
        channels,
        outgoing("sendMultiChannelNotification", type, data, metadata),
      ),
  };
}
