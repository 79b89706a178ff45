import { packed } from "../binary.ts";
import { ConnectionData } from "./data.ts";
import { type Recipients, reaches, targets } from "./recipients.ts";
import type { HookConnection } from "./requests.ts";

/** The largest answer that the server reads, and the most emits in it. */
const MAX_ANSWER = 1 << 20, MAX_EMITS = 1000;

/** An emit in an answer. */
interface Queued {
  to: Recipients;
  event: string;
  args: string; // JSON, as the arguments were at the time of the call
  reached: boolean; // whether the connection itself would get it at that time
}

/** One request, and what its answer says. */
export class Run {
  readonly connection: HookConnection;
  readonly data: ConnectionData;
  /** The rooms of the connection, with the joins and leaves so far. */
  readonly rooms: Set<string>;
  /** Whether connection functions run that have run before, where Scopes cannot tell. */
  repeats = false;
  disconnect = false;
  /** Whether the answer was made. */
  over = false;
  #emits: Queued[] = [];
  #ack: string | undefined;
  #gone = false;

  constructor(connection: HookConnection) {
    this.connection = connection;
    this.data = new ConnectionData(connection.data);
    this.rooms = new Set([connection.id, ...connection.rooms]);
  }

  get acked(): boolean {
    return this.#ack !== undefined;
  }

  /** Sets the acknowledgement, once. */
  ack(args: unknown[]): void {
    this.#ack ??= JSON.stringify(args.map(packed));
  }

  emit(to: Recipients, event: string, args: unknown[]): void {
    const reached = this.#isOwn(to) && reaches(to, this.rooms);
    this.#emits.push({ to, event, args: JSON.stringify(args.map(packed)), reached });
  }

  /** The client has left: only emits have an effect. */
  leaveAll(): void {
    this.#gone = true;
    this.rooms.clear();
  }

  /**
   * Returns the answer in JSON, "" for none, and ends the run. ack: the acknowledgement, if no
   * listener has given one. Throws when the answer is too large.
   */
  answer(ack?: unknown[]): string {
    this.over = true;
    if (ack) this.ack(ack);
    const emits = this.#emits.flatMap((queued) => this.#resolved(queued));
    if (emits.length > MAX_EMITS)
      throw new Error(`${emits.length} emits in one answer, expected at most ${MAX_EMITS}`);
    const members = {
      ...(!this.#gone && this.#changes()),
      emit: emits.length > 0 ? `[${emits.join()}]` : undefined,
      ack: this.#ack,
    };
    const parts = Object.entries(members).filter(([, value]) => value !== undefined)
      .map(([name, value]) => `"${name}":${value}`);
    const text = parts.length > 0 ? `{${parts.join()}}` : "";
    if (text.length > MAX_ANSWER)
      throw new Error(`the answer has ${text.length} bytes, expected at most ${MAX_ANSWER}`);
    return text;
  }

  /** Returns what changes in the connection, as JSON texts. */
  #changes(): Record<string, string | undefined> {
    const before = new Set(this.connection.rooms), own = this.connection.id;
    const names = (list: string[]) => list.length > 0 ? JSON.stringify(list) : undefined;
    return {
      join: names([...this.rooms].filter((room) => room !== own && !before.has(room))),
      leave: names([...before].filter((room) => !this.rooms.has(room))),
      data: this.data.changes(),
      disconnect: this.disconnect ? "true" : undefined,
    };
  }

  #isOwn(to: Recipients): boolean {
    return to.namespace === this.connection.namespace;
  }

  /**
   * Returns an emit for the answer. The server joins and leaves all rooms first. So if the rooms of
   * the connection changed after the emit, it is left out, or gets the event by its id.
   */
  #resolved({ to, event, args, reached }: Queued): string[] {
    const self = this.connection.id;
    const recipients = [to];
    if (!this.#gone && this.#isOwn(to) && reaches(to, this.rooms) !== reached) {
      if (reached) recipients.push({ ...to, rooms: [self], except: [] });
      else recipients[0] = { ...to, except: [...to.except, self] };
    }
    const relative = (name: string) => this.#isOwn(to) && name === self ? "@self" : name;
    return recipients.flatMap(targets).map(({ room, all, namespace, except = [], volatile }) => {
      const others = all && this.#isOwn(to) && except.length === 1 && except[0] === self;
      const emit = {
        ...(others ? { room: "@others" } : all ? { target: { all } } : { room: relative(room!) }),
        ...(!this.#isOwn(to) && { namespace }),
        ...(!others && except.length > 0 && { except: except.map(relative) }),
        ...(volatile && { volatile }),
        event,
      };
      return `${JSON.stringify(emit).slice(0, -1)},"args":${args}}`;
    });
  }
}
