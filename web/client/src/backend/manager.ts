import type { Call } from "./http.ts";
import { named, outgoing, publish } from "./publish.ts";
import type { ConnectionInfo, Connections, Outgoing } from "./types.ts";

type Metadata = Outgoing["metadata"];

/** The connections of both transports, and sends to them. */
export interface Manager {
  /** Sends to one connection. Resolves with whether it exists now. */
  sendToClient(
    clientId: string,
    type: string,
    data?: unknown,
    metadata?: Metadata,
  ): Promise<boolean>;
  sendToClient(clientId: string, notification: Outgoing): Promise<boolean>;
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
  /** Resolves with the connections of a user. */
  getUserClients(userId: string): Promise<ConnectionInfo[]>;
  /** Closes a connection for good. Resolves with whether it existed. */
  disconnectClient(clientId: string): Promise<boolean>;
  /** Closes all connections of a user for good. Resolves with how many there were. */
  disconnectUser(userId: string): Promise<number>;
}

/** Returns the functions of {@link Manager}. */
export function manager(call: Call): Manager {
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
    sendToClient: (
      clientId: string,
      type: string | Outgoing,
      data?: unknown,
      metadata?: Metadata,
    ) =>
      to("sendToClient", "client", clientId, type, data, metadata).then((delivered) =>
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
    getUserClients: (userId) =>
      user("getUserClients", "GET", "connections", userId).then((answer) =>
        (answer?.connections ?? []).map(info)
      ),
    disconnectClient: (clientId) => {
      const from = "SSEManager.disconnectClient";
      const path = `/v1/connections/${encodeURIComponent(named(from, "clientId", clientId))}`;
      return call({ from, method: "DELETE", path, absent: true, reads: "disconnected" }).then((
        answer,
      ) => answer !== undefined);
    },
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
