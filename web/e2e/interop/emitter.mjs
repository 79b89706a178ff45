// @socket.io/redis-emitter, unmodified, as a sender: it has the methods of a server on Node, and
// publishes what they do.

import { Emitter } from "@socket.io/redis-emitter";
import { retry } from "../wait.mjs";
import { NodeSender } from "./senders.mjs";

/** Resolves with an emitter, when a node of the stage listens to it. */
export async function emitter({ redis }) {
  const listens = async () => await redis.client.sendCommand(["PUBSUB", "NUMPAT"]) > 0;
  await retry(listens, "a node that ingests");
  return new NodeSender({ io: new Emitter(await redis.connect()) });
}
