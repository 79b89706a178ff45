// The server's replies: it answers each event of the contract by another event, which is for the
// sender alone and is not in the log.

/** The reply to each event, in addition to its acknowledgement. "": only a refusal is an event. */
export const REPLIES: Readonly<Record<string, string>> = {
  ping: "pong",
  subscribe: "subscribed",
  unsubscribe: "unsubscribed",
  "join-room": "room-joined",
  "leave-room": "room-left",
  "custom-event": "custom-event-response",
  "send-message": "",
  "auth:refresh": "auth:refreshed",
};

/**
 * Reports whether a notification is a reply. One that somebody published under such a name has an
 * id.
 */
export const isReply = ({ type, id }: { type: string; id?: string | undefined }): boolean =>
  !id && Object.values(REPLIES).includes(type);
