import type { EmitFunctions } from "../emit.ts";
import type {
  ConnectAnswer,
  ConnectRequest,
  HookAnswer,
  HookEvent,
  WebhookEvent,
} from "./requests.ts";

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
  /** In place of text: the lines of the answer to a batch, each when it is there. */
  lines?: AsyncIterable<string>;
}

/** Returns an answer with JSON, or with nothing. */
export const ok = (text: string): Answered => ({ status: text === "" ? 204 : 200, text });
