import { bytesOf, packed, unpacked } from "../binary.ts";
import type { EmitFunctions } from "../emit.ts";
import { admitted } from "./admission.ts";
import { type KeptHandshake, keptHandshake } from "./handshake.ts";
import { HookNamespace } from "./namespace.ts";
import { Outside } from "./outside.ts";
import type { Recipients, Send } from "./recipients.ts";
import { errorAck, Refusal } from "./refusal.ts";
import type {
  ConnectAnswer,
  ConnectRequest,
  Handshake,
  HookAnswer,
  HookConnection,
  HookEvent,
  HookRequest,
  WebhookEvent,
} from "./requests.ts";
import { Run } from "./run.ts";
import { type Scope, Scopes } from "./scopes.ts";
import { HookSocket } from "./socket.ts";

/** What the application does, and how. */
export interface Functions {
  /** Lets a client in, or throws a {@link refusal}. */
  connect?: ((request: ConnectRequest) => ConnectAnswer | Promise<ConnectAnswer>) | undefined;
  /**
   * Answers an event without the forms of Socket.IO. Without an answer the listeners of
   * `on("connection")` get the event.
   */
  event?:
    | ((event: HookEvent) => HookAnswer | undefined | void | Promise<HookAnswer | undefined | void>)
    | undefined;
  /** Gets each event of a webhook. When it throws, the server sends the whole batch again. */
  webhook?: ((event: WebhookEvent) => unknown) | undefined;
  /** Sends what is emitted outside of a request (default: the server in the environment). */
  backend?: EmitFunctions | undefined;
  /** Receives errors of listeners (default: console.error). */
  log?: ((line: string, error?: unknown) => void) | undefined;
}

/** An answer: a status and JSON, or a text for other statuses than 200 and 204. */
export interface Answered {
  status: number;
  text: string;
}

type Namespace = HookNamespace<any, any, any>;

/** Answers verified requests. */
export class Application {
  readonly #functions: Functions;
  readonly #namespaces = new Map<string, Namespace>();
  readonly #scopes = new Scopes();
  readonly #outside: Outside;

  constructor(functions: Functions) {
    this.#functions = functions;
    this.#outside = new Outside(functions.backend);
  }

  /** Returns a namespace, the same one for the same name. */
  namespace(name: string): Namespace {
    if (typeof name !== "string" || name === "")
      throw new TypeError(`of: the namespace is a ${typeof name}, expected a name such as "/chat"`);
    const path = name.startsWith("/") ? name : `/${name}`;
    let found = this.#namespaces.get(path);
    if (!found) this.#namespaces.set(path, found = new HookNamespace(path, this.#send));
    return found;
  }

  log(line: string, error?: unknown): void {
    const log = this.#functions.log ?? console.error;
    if (error === undefined) log(`roomcast: ${line}`);
    else log(`roomcast: ${line}`, error);
  }

  async answer(request: HookRequest): Promise<Answered> {
    await this.#scopes.load();
    switch (request.type) {
      case "event":
        return this.#event(request.data);
      case "connection":
        return this.#connection(request.data);
      case "disconnect":
        return this.#disconnect(request.data);
      case "connect":
        return this.#connect(request.data);
      case "batch":
        return this.#webhooks(request.data.events);
    }
    if (request.type.includes(".")) return this.#webhooks([request]);
    return { status: 400, text: `unknown type ${JSON.stringify(request.type.slice(0, 64))}` };
  }

  /** Sends for a namespace: in the answer of the request for which the code runs, or at once. */
  #send: Send = (to, event, args) => {
    const scope = this.#scopes.current();
    if (scope) this.#sendIn(scope.run, to, event, args);
    else this.#outside.emit(to, event, args);
  };

  #sendIn(run: Run, to: Recipients, event: string, args: unknown[]): void {
    if (this.#repeats(run)) return this.#refuseLate(run, `emit("${event}")`);
    if (!run.over) return run.emit(to, event, args);
    try {
      this.#outside.emit(to, event, args);
    } catch (cause) {
      throw new Error(
        `emit("${event}") after the answer to the request: await what the listener starts, or configure the HTTP API, which sends it later (${
          (cause as Error).message
        })`,
        { cause },
      );
    }
  }

  /** Reports whether code runs in a connection function whose actions were done before. */
  #repeats(run: Run): boolean {
    const scope = this.#scopes.current();
    return scope?.run === run ? scope.repeated : run.repeats;
  }

  #refuseLate(run: Run, what: string): void {
    if (run.over)
      throw new Error(
        `${what} after the answer to the request: a connection function runs for each event, so a timer in it is started again each time`,
      );
  }

  #socket(run: Run, handshake: Handshake) {
    return new HookSocket<any, any, any>({
      run,
      handshake,
      send: (to, event, args) => this.#sendIn(run, to, event, args),
      acts: (what) => {
        this.#refuseLate(run, what);
        return !this.#repeats(run);
      },
    });
  }

  /** Runs the connection functions. Their actions count once for each connection. */
  async #open(run: Run, repeated: boolean, handshake: KeptHandshake) {
    const socket = this.#socket(run, handshake.shown);
    const { listeners, middlewares } = this.namespace(run.connection.namespace);
    if (middlewares.length > 0 && !run.data.admitted) {
      throw new Error(
        "the functions of use() have not seen this client: set CONNECT_URL to the address of this handler",
      );
    }
    const scope: Scope = { run, repeated };
    run.repeats = repeated;
    for (const listener of listeners) await this.#scopes.within(scope, () => listener(socket));
    run.repeats = false;
    if (repeated) run.data.reset();
    else run.data.markConnected(handshake.read);
    return socket;
  }

  async #event(data: HookEvent): Promise<Answered> {
    const { connection, event, wantsAck } = data;
    const args = unpacked(data.args, decode);
    const what = `the event "${event}"`;
    try {
      const own = await this.#functions.event?.({ connection, event, args, wantsAck });
      if (own) return ok(JSON.stringify(packed(own)));
    } catch (error) {
      return this.#failed([error], what, wantsAck);
    }
    if (this.namespace(connection.namespace).listeners.length === 0) return ok("");
    const run = new Run(connection);
    return this.#finish(run, what, wantsAck, async () => {
      const kept = keptHandshake(run.data.handshake, undefined);
      const socket = await this.#open(run, run.data.connected, kept);
      const ack = (...values: unknown[]) => {
        if (run.over)
          this.log(`the acknowledgement of "${event}" came after the answer and is lost: return a Promise that ends after it`);
        else run.ack(values);
      };
      return this.#scopes.within(
        { run, repeated: false },
        () => socket.dispatch(event, wantsAck ? [...args, ack] : args),
      );
    });
  }

  async #connection({ connection, handshake }: ConnectionRequest): Promise<Answered> {
    const run = new Run(connection);
    return this.#finish(run, "a connection", false, async () => {
      await this.#open(run, false, keptHandshake({}, handshake));
      return [];
    });
  }

  async #disconnect({ connection, reason }: { connection: HookConnection; reason: string }) {
    const run = new Run(connection);
    return this.#finish(run, "a disconnect", false, async () => {
      const socket = await this.#open(run, true, keptHandshake(run.data.handshake, undefined));
      const scope = { run, repeated: false };
      const errors = await this.#scopes
        .within(scope, () => socket.dispatchOwn("disconnecting", reason));
      run.leaveAll();
      return [
        ...errors,
        ...await this.#scopes.within(scope, () => socket.dispatchOwn("disconnect", reason)),
      ];
    });
  }

  /** Runs f, which resolves with the errors of listeners, and makes the answer. */
  async #finish(
    run: Run,
    what: string,
    wantsAck: boolean,
    f: () => Promise<unknown[]>,
  ): Promise<Answered> {
    const errors = await f().catch((error) => [error]);
    try {
      return ok(run.answer(this.#ackOf(errors, what, wantsAck)));
    } catch (error) {
      return this.#failed([error], what, wantsAck);
    }
  }

  /** Answers with the acknowledgement only. */
  #failed(errors: unknown[], what: string, wantsAck: boolean): Answered {
    const ack = this.#ackOf(errors, what, wantsAck);
    return ok(ack ? JSON.stringify({ ack }) : "");
  }

  /** Logs errors. Returns the acknowledgement for the first one. */
  #ackOf(errors: unknown[], what: string, wantsAck: boolean): unknown[] | undefined {
    for (const error of errors)
      if (!(error instanceof Refusal)) this.log(`${what} failed:`, error);
    return wantsAck && errors.length > 0 ? errorAck(errors[0]) : undefined;
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

interface ConnectionRequest {
  connection: HookConnection;
  handshake: Handshake;
}

const ok = (text: string): Answered => ({ status: text === "" ? 204 : 200, text });

/** Returns binary as listeners of a Node server get it. */
function decode(base64: string): unknown {
  const { Buffer } = globalThis as any;
  return Buffer ? Buffer.from(base64, "base64") : bytesOf(base64);
}
