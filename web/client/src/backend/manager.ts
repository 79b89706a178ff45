import type { Call } from "./http.ts";
import { named, outgoing, publish } from "./publish.ts";
import type { RealtimeUpdate } from "./original.ts";
import type { AllKindFunctions } from "./send.ts";
import type { ConnectionInfo, Connections, Outgoing } from "./types.ts";

type Metadata = Outgoing["metadata"];

/** The functions of a backend that the manager has too, as in the original application. */
type Senders = Pick<
  AllKindFunctions,
  | "sendSystemNotification"
  | "sendWebhookNotification"
  | "sendJobNotification"
  | "sendUserActivityNotification"
> & { sendRealtimeUpdate: RealtimeUpdate };

/** A connection: its id, or an element of a list of connections. */
export type ClientId = string | Pick<ConnectionInfo, "clientId">;

/** The connections of both transports, and sends to them. */
export interface Manager extends Senders {
  /** Sends to one connection. Resolves with whether it exists now. */
  sendToClient(
    clientId: ClientId,
    type: string,
    data?: unknown,
    metadata?: Metadata,
  ): Promise<boolean>;
  sendToClient(clientId: ClientId, notification: Outgoing): Promise<boolean>;
  /**
   * Sends a text to one connection, as type `notification` with data `{message}`. Resolves with
   * whether it exists now. Unlike the function of the module, the third argument is metadata.
   */
  notifyClient(clientId: ClientId, message: string, metadata?: Metadata): Promise<boolean>;
  /** The same to a user. Resolves with the number of current connections. */
  notifyUser(userId: string, message: string, metadata?: Metadata): Promise<number>;
  /** Sends to all connections of a user. Resolves with how many there are now. */
  sendToUser(userId: string, type: string, data?: unknown, metadata?: Metadata): Promise<number>;
  sendToUser(userId: string, notification: Outgoing): Promise<number>;
  /** Sends to the members of a channel. Resolves with how many there are now. */
  sendToChannel(
    channel: string,
    type: string,
    data?: unknown,
    metadata?: Metadata,
  ): Promise<number>;
  sendToChannel(channel: string, notification: Outgoing): Promise<number>;
  /** Sends to everyone. Resolves with how many connections there are now. */
  broadcast(type: string, data?: unknown, metadata?: Metadata): Promise<number>;
  broadcast(notification: Outgoing): Promise<number>;
  /** Resolves with all connections of the server's node; with none after a failure. */
  getConnections(): Promise<Connections>;
  isUserOnline(userId: string): Promise<boolean>;
  isClientConnected(clientId: ClientId): Promise<boolean>;
  /** Resolves with the connections of a user. */
  getUserClients(userId: string): Promise<ConnectionInfo[]>;
  /** Closes a connection for good. Resolves with whether it existed. */
  disconnectClient(clientId: ClientId): Promise<boolean>;
  /** Closes all connections of a user for good. Resolves with how many there were. */
  disconnectUser(userId: string): Promise<number>;
}

/** Returns the id of a connection. */
const idOf = (client: ClientId): string =>
  typeof client === "object" && client !== null ? client.clientId : client;

/** Returns the functions of {@link Manager}. senders: those that it shares with the backend. */
export function manager(call: Call, senders: Senders): Manager {
  const to = (
    name: string,
    target: "client" | "user" | "channel",
    id: string,
    type: string | Outgoing,
    data: unknown,
    metadata: Metadata,
  ) => {
    const from = `SSEManager.${name}`;
    return publish(call, from, {
      [target]: named(from, target === "channel" ? target : `${target}Id`, id),
    }, outgoing(from, type, data, metadata));
  };
  const user = (name: string, method: "GET" | "DELETE", reads: string, id: string, rest = "") => {
    const from = `SSEManager.${name}`;
    return call({
      from,
      method,
      reads,
      path: `/v1/users/${encodeURIComponent(named(from, "userId", id))}${rest}`,
    });
  };
  const connection = (name: string, method: "GET" | "DELETE", reads: string, client: ClientId) => {
    const from = `SSEManager.${name}`;
    const path = `/v1/connections/${encodeURIComponent(named(from, "clientId", idOf(client)))}`;
    return call({ from, method, path, absent: true, reads }).then((answer) => answer !== undefined);
  };
  const text = (message: string) => ({ message });
  const all = (cursor = "", before: any[] = []): Promise<any[]> =>
    call({
      from: "SSEManager.getConnections",
      method: "GET",
      reads: "connections",
      path: `/v1/connections?limit=1000${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    })
      .then((page) => {
        if (!page) return []; // an incomplete list would look complete
        const list = [...before, ...page.connections];
        return page.next ? all(page.next, list) : list;
      });
  return {
    sendSystemNotification: senders.sendSystemNotification,
    sendWebhookNotification: senders.sendWebhookNotification,
    sendJobNotification: senders.sendJobNotification,
    sendUserActivityNotification: senders.sendUserActivityNotification,
    sendRealtimeUpdate: senders.sendRealtimeUpdate,
    notifyClient: (client, message, metadata) =>
      to("notifyClient", "client", idOf(client), "notification", text(message), metadata)
        .then((delivered) => delivered > 0),
    notifyUser: (userId, message, metadata) =>
      to("notifyUser", "user", userId, "notification", text(message), metadata),
    sendToClient: (
      client: ClientId,
      type: string | Outgoing,
      data?: unknown,
      metadata?: Metadata,
    ) =>
      to("sendToClient", "client", idOf(client), type, data, metadata).then((delivered) =>
        delivered > 0
      ),
    sendToUser: (userId: string, type: string | Outgoing, data?: unknown, metadata?: Metadata) =>
      to("sendToUser", "user", userId, type, data, metadata),
    sendToChannel: (
      channel: string,
      type: string | Outgoing,
      data?: unknown,
      metadata?: Metadata,
    ) => to("sendToChannel", "channel", channel, type, data, metadata),
    broadcast: (type: string | Outgoing, data?: unknown, metadata?: Metadata) =>
      publish(
        call,
        "SSEManager.broadcast",
        { all: true },
        outgoing("SSEManager.broadcast", type, data, metadata),
      ),
    getConnections: () =>
      all().then((list) => {
        // Only users have this room.
        const users = list.filter(({ userId, rooms }) => rooms.includes(`user:${userId}`));
        return {
          total: list.length,
          clients: list.map(info),
          activeUsers: new Set(users.map(({ userId }) => userId)),
        };
      }),
    isUserOnline: (userId) =>
      user("isUserOnline", "GET", "online", userId).then((answer) => answer?.online ?? false),
    isClientConnected: (client) => connection("isClientConnected", "GET", "clientId", client),
    getUserClients: (userId) =>
      user("getUserClients", "GET", "connections", userId).then((answer) =>
        (answer?.connections ?? []).map(info)
      ),
    disconnectClient: (client) => connection("disconnectClient", "DELETE", "disconnected", client),
    disconnectUser: (userId) =>
      user("disconnectUser", "DELETE", "disconnected", userId, "/connections").then((answer) =>
        answer?.disconnected ?? 0
      ),
  };
}

/** Returns a connection of the HTTP API in the form of this package. */
function info(
  { clientId, userId, username, connectedAt, lastActive, transport, rooms }: any,
): ConnectionInfo {
  return {
    clientId,
    userId,
    username,
    connectedAt: Date.parse(connectedAt),
    lastActive: Date.parse(lastActive),
    transport,
    channels: rooms.filter((room: string) =>
      room !== `user:${userId}` && room !== `client:${clientId}`
    ),
  };
}
