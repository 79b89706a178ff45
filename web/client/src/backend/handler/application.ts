import { admitted } from "./admission.ts";
import { Connections } from "./connections.ts";
import { type Answered, type Functions, ok } from "./functions.ts";
import { HookNamespace } from "./namespace.ts";
import { Refusal } from "./refusal.ts";
import type { ConnectRequest, HookRequest, WebhookEvent } from "./requests.ts";

type Namespace = HookNamespace<any, any, any>;

/** Answers verified requests. */
export class Application {
  readonly #functions: Functions;
  readonly #namespaces = new Map<string, Namespace>();
  readonly #connections: Connections;

  constructor(functions: Functions) {
    this.#functions = functions;
    this.#connections = new Connections(this, functions);
  }

  /** Returns a namespace, the same one for the same name. */
  namespace(name: string): Namespace {
    if (typeof name !== "string" || name === "")
      throw new TypeError(`of: the namespace is a ${typeof name}, expected a name such as "/chat"`);
    const path = name.startsWith("/") ? name : `/${name}`;
    let found = this.#namespaces.get(path);
    if (!found) this.#namespaces.set(path, found = new HookNamespace(path, this.#connections.send));
    return found;
  }

  log(line: string, error?: unknown): void {
    const log = this.#functions.log ?? console.error;
    if (error === undefined) log(`roomcast: ${line}`);
    else log(`roomcast: ${line}`, error);
  }

  async answer(request: HookRequest): Promise<Answered> {
    await this.#connections.load();
    switch (request.type) {
      case "event":
      case "connection":
      case "disconnect":
        return this.#connections[request.type](request.data as any);
      case "connect":
        return this.#connect(request.data);
      case "events":
        return { status: 200, text: "", lines: this.#lines(request.data.events) };
      case "batch":
        return this.#webhooks(request.data.events);
    }
    if (request.type.includes(".")) return this.#webhooks([request]);
    return { status: 400, text: `unknown type ${JSON.stringify(request.type.slice(0, 64))}` };
  }

  /** Answers events of different connections at the same time. */
  #lines(events: HookRequest[]): AsyncIterable<string> {
    return asTheyEnd(events, async (event) => {
      const type = event.type as "event" | "connection" | "disconnect"; // parseRequest has checked it
      const { text } = await this.#connections[type](event.data as any);
      return `{"id":${JSON.stringify(event.id)},"answer":${text || "null"}}\n`;
    }, (error) => this.log("an event failed:", error));
  }

  async #connect(request: ConnectRequest): Promise<Answered> {
    const { middlewares } = this.namespace(request.namespace);
    const { connect } = this.#functions;
    if (!connect && middlewares.length === 0) {
      this.log("a connect request came, and createHandler has no connect and no use()");
      return { status: 501, text: "createHandler has no connect" };
    }
    try {
      const answer = connect ? await connect(request) : {};
      if (typeof answer !== "object" || answer === null) {
        throw new TypeError(
          `connect returned ${answer}: expected {userId, …}, or {} for an anonymous client`,
        );
      }
      return ok(JSON.stringify(await admitted(request, answer, middlewares)));
    } catch (error) {
      if (error instanceof Refusal) {
        const { message, data, status } = error;
        return { status, text: JSON.stringify({ message, data }) };
      }
      this.log("connect failed:", error);
      return { status: 500, text: "connect failed" };
    }
  }

  async #webhooks(events: WebhookEvent[]): Promise<Answered> {
    const { webhook } = this.#functions;
    if (!webhook) {
      this.log("a webhook came, and createHandler has no webhook");
      return { status: 501, text: "createHandler has no webhook" };
    }
    for (const event of events) {
      try {
        await webhook(event);
      } catch (error) {
        this.log(`the webhook ${event?.type} failed:`, error);
        return { status: 500, text: "a webhook failed" };
      }
    }
    return ok("");
  }
}

/** Yields the results of f in the order in which they are there. */
async function* asTheyEnd<Item>(
  items: readonly Item[],
  f: (item: Item) => Promise<string>,
  failed: (error: unknown) => void,
): AsyncGenerator<string> {
  const results: string[] = [];
  let more: (() => void) | undefined;
  let open = items.length;
  for (const item of items) {
    f(item).then((result) => results.push(result), failed).then(() => {
      open--;
      more?.();
    });
  }
  while (open > 0 || results.length > 0) {
    if (results.length > 0) yield results.splice(0).join("");
    else await new Promise<void>((resolve) => more = resolve);
  }
}
