import { bytesOf, packed, unpacked } from "../binary.ts";
import { type Answered, type Functions, ok } from "./functions.ts";
import { type KeptHandshake, keptHandshake } from "./handshake.ts";
import type { HookNamespace } from "./namespace.ts";
import { Outside } from "./outside.ts";
import type { Recipients, Send } from "./recipients.ts";
import { errorAck, Refusal } from "./refusal.ts";
import type { ConnectionRequest, DisconnectRequest, Handshake, HookEvent } from "./requests.ts";
import { Run } from "./run.ts";
import { type Scope, Scopes } from "./scopes.ts";
import { HookSocket } from "./socket.ts";

/** What connections need of the application. */
interface Host {
  namespace(name: string): HookNamespace<any, any, any>;
  log(line: string, error?: unknown): void;
}

/** Runs the listeners of connections: one run for each request. */
export class Connections {
  readonly #host: Host;
  readonly #event: Functions["event"];
  readonly #scopes = new Scopes();
  readonly #outside: Outside;

  constructor(host: Host, { event, backend }: Functions) {
    this.#host = host;
    this.#event = event;
    this.#outside = new Outside(backend);
  }

  /** Must have resolved before the first run. */
  load(): Promise<void> {
    return this.#scopes.load();
  }

  /** Sends for a namespace: in the answer of the request for which the code runs, or at once. */
  send: Send = (to, event, args) => {
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
    const { listeners, middlewares } = this.#host.namespace(run.connection.namespace);
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

  async event(data: HookEvent): Promise<Answered> {
    const { connection, event, wantsAck } = data;
    const args = unpacked(data.args, decode);
    const what = `the event "${event}"`;
    try {
      const own = await this.#event?.({ connection, event, args, wantsAck });
      if (own) return ok(JSON.stringify(packed(own)));
    } catch (error) {
      return this.#failed([error], what, wantsAck);
    }
    if (this.#host.namespace(connection.namespace).listeners.length === 0) return ok("");
    const run = new Run(connection);
    return this.#finish(run, what, wantsAck, async () => {
      const kept = keptHandshake(run.data.handshake, undefined);
      const socket = await this.#open(run, run.data.connected, kept);
      const ack = (...values: unknown[]) => {
        if (run.over)
          this.#host.log(`the acknowledgement of "${event}" came after the answer and is lost: return a Promise that ends after it`);
        else run.ack(values);
      };
      return this.#scopes.within(
        { run, repeated: false },
        () => socket.dispatch(event, wantsAck ? [...args, ack] : args),
      );
    });
  }

  async connection({ connection, handshake, recovered }: ConnectionRequest): Promise<Answered> {
    const run = new Run(connection);
    run.data.markRecovered(recovered === true);
    return this.#finish(run, "a connection", false, async () => {
      await this.#open(run, false, keptHandshake({}, handshake));
      return [];
    });
  }

  async disconnect({ connection, reason }: DisconnectRequest) {
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
      if (!(error instanceof Refusal)) this.#host.log(`${what} failed:`, error);
    return wantsAck && errors.length > 0 ? errorAck(errors[0]) : undefined;
  }
}

/** Returns binary as listeners of a Node server get it. */
function decode(base64: string): unknown {
  const { Buffer } = globalThis as any;
  return Buffer ? Buffer.from(base64, "base64") : bytesOf(base64);
}
