// RedisManager of python-socketio, unmodified, as a sender; and messages as later versions publish
// them.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { deadline, once, retry, SOON } from "../wait.mjs";
import { wire } from "./senders.mjs";

// It calls the manager for each line of its input, and answers with a line.
const PROGRAM = `
import base64, json, sys
import socketio

def restore(value):
    if isinstance(value, list):
        return [restore(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$binary" in value:
        return base64.b64decode(value["$binary"])
    return {key: restore(item) for key, item in value.items()}

manager = socketio.RedisManager(sys.argv[1], write_only=True)
for line in sys.stdin:
    method, args, options = json.loads(line)
    if method == "emit":
        args[1] = tuple(restore(args[1]))
    try:
        getattr(manager, method)(*args, **options)
        print("done", flush=True)
    except AttributeError:
        print("needs a server", flush=True)
`;

/** Resolves when a node of the stage listens to managers. */
export function heard({ redis }) {
  const listens = async () =>
    (await redis.client.sendCommand(["PUBSUB", "NUMSUB", "socketio"]))[1] > 0;
  return retry(listens, "a node that ingests");
}

/** A process of Python that sends. */
export class ManagerSender {
  kind = "python";
  #child;
  #answers;

  /** Starts the process, which ends with the test. python: the name of the program. */
  static async start(t, { redis }, python) {
    const sender = new ManagerSender();
    sender.redis = redis;
    sender.#child = spawn(python, ["-c", PROGRAM, redis.url], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    sender.#answers = createInterface({ input: sender.#child.stdout });
    t.after(async () => {
      const end = once(sender.#child, "close");
      sender.#child.stdin.end();
      await end;
    });
    return sender;
  }

  #call(method, args, options = {}) {
    const answer = new Promise((resolve, reject) => {
      this.#answers.once("line", resolve);
      this.#answers.once("close", () => reject(new Error("the manager has ended")));
    });
    this.#child.stdin.write(`${JSON.stringify([method, args, options])}\n`);
    return deadline(answer, SOON, `${method} of the manager`);
  }

  /** Emits an event. except: the manager's skip_sid. */
  async emit({ namespace = "/", rooms = [], except = [], event = "e", args = [] }) {
    const room = rooms.length > 1 ? rooms : rooms[0];
    const [skip_sid] = except;
    await this.#call("emit", [event, args.map(wire)], { namespace, room, skip_sid });
  }

  /** Version 5.7 cannot do this without a server. */
  join(user, room) {
    return new LaterSender(this).join(user, room);
  }

  async leave(_user, room) {
    await this.#call("close_room", [room]);
  }

  /** Versions since 5.10 cannot do this without a server. */
  async end(user) {
    const answer = await this.#call("disconnect", [`user:${user}`]);
    if (answer !== "done") await new LaterSender(this).end(user);
  }
}

/** Publishes what python-socketio 5.15.1 and later do. */
export class LaterSender {
  kind = "python";

  constructor({ redis }) {
    this.redis = redis;
  }

  async #publish(message) {
    const text = JSON.stringify({ ...message, host_id: "4c9f0bbdc1cf4a4f9d8c2b1c3d8f2b11" });
    await this.redis.client.publish("socketio", text);
  }

  async emit({ namespace = "/", rooms = [], except = [], event = "e", args = [] }) {
    const parts = [];
    const placed = place(args, parts);
    await this.#publish({
      method: "emit",
      event,
      data: parts.length > 0 ? [placed, ...parts] : placed,
      binary: parts.length > 0,
      namespace,
      room: rooms.length > 0 ? rooms : null,
      skip_sid: except.length > 0 ? except : null,
      callback: null,
    });
  }

  async join(user, room) {
    await this.#publish({ method: "enter_room", sid: `user:${user}`, room, namespace: "/" });
  }

  async leave(user, room) {
    await this.#publish({ method: "leave_room", sid: `user:${user}`, room, namespace: "/" });
  }

  async end(user) {
    await this.#publish({ method: "disconnect", sid: `user:${user}`, namespace: "/" });
  }
}

/** Returns a value with placeholders, and appends the binary data in it to parts. */
function place(value, parts) {
  if (Buffer.isBuffer(value))
    return { _placeholder: true, num: parts.push(value.toString("base64")) - 1 };
  if (Array.isArray(value)) return value.map((item) => place(item, parts));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, place(item, parts)]));
}
