// better-sse on Node. Nothing is sent to keep streams alive, as by none of the other servers.
import { createChannel, createSession } from "better-sse";
import { event, listen } from "./publish.mjs";

const channel = createChannel();
let id = 0;
listen(
  (notification) => channel.broadcast(notification, event, { eventId: String(++id) }),
  async (request, response) => {
    channel.register(await createSession(request, response, { keepAlive: null }));
  },
);
