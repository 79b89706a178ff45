import { Application } from "./application.ts";
import type { Functions } from "./functions.ts";
import * as web from "./fetch.ts";
import type { ConnectionListener, HookNamespace, Middleware } from "./namespace.ts";
import * as node from "./node.ts";
import { responder } from "./respond.ts";
import { type Verify, verifier } from "./signature.ts";

/** Options of {@link createHandler}. */
export interface HandlerOptions extends Functions {
  /**
   * HOOK_SECRET of the server: one of its secrets, several in an array, or separated by commas
   * (default: HOOK_SECRET in the environment).
   */
  secret?: string | readonly string[] | undefined;
  /** The most bytes of a request (default 4 MiB). */
  maxBody?: number | undefined;
}

/** Any event with any arguments, as in Socket.IO without types. */
export interface AnyEvents {
  [event: string]: (...args: any[]) => void;
}

/**
 * Answers the requests of the hooks of the server. It is a function for Node's http module, Express,
 * Hono, and everything with a Request and a Response. Its methods are those of a Server of
 * `socket.io`.
 */
export interface Handler<Listen = AnyEvents, Emit = Listen, Data = any> extends
  Pick<
    HookNamespace<Listen, Emit, Data>,
    | "emit"
    | "send"
    | "to"
    | "in"
    | "except"
    | "volatile"
    | "local"
    | "compress"
    | "fetchSockets"
    | "socketsJoin"
    | "socketsLeave"
    | "disconnectSockets"
  >
{
  (request: node.NodeRequest, response: node.NodeResponse): Promise<void>;
  (request: Request, ...more: any[]): Promise<Response>;
  (context: { req: { raw: Request } }, ...more: any[]): Promise<Response>;
  /** Registers a function for the namespace `/`. See {@link HookNamespace.on}. */
  on(
    event: "connection" | "connect",
    listener: ConnectionListener<Listen, Emit, Data>,
  ): Handler<Listen, Emit, Data>;
  /** Lets clients of the namespace `/` in. See {@link HookNamespace.use}. */
  use(middleware: Middleware<Data>): Handler<Listen, Emit, Data>;
  /** Returns a namespace. */
  of<L = Listen, E = Emit, D = Data>(name: string): HookNamespace<L, E, D>;
  /** The namespace `/`. */
  readonly sockets: HookNamespace<Listen, Emit, Data>;
  /** For Node's http module and Express. */
  readonly node: (request: node.NodeRequest, response: node.NodeResponse) => Promise<void>;
  /** For everything with a Request and a Response. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** For a route of Next.js: `export const { POST } = handler`. */
  readonly POST: (request: Request) => Promise<Response>;
}

const MAX_BODY = 4 << 20;

/**
 * Returns a handler for the hooks of a server: `EVENTS_URL`, `CONNECT_URL` and `WEBHOOK_URLS`. It
 * verifies the signature of each request. Register `on("connection", …)` before the first request.
 * Throws when a secret cannot be one.
 */
export function createHandler<Listen = AnyEvents, Emit = Listen, Data = any>(
  secret: string | readonly string[] | undefined,
  functions?: Omit<HandlerOptions, "secret">,
): Handler<Listen, Emit, Data>;
export function createHandler<Listen = AnyEvents, Emit = Listen, Data = any>(
  options?: HandlerOptions,
): Handler<Listen, Emit, Data>;
export function createHandler(
  first: string | readonly string[] | HandlerOptions | undefined = {},
  functions: Omit<HandlerOptions, "secret"> = {},
): Handler<any, any, any> {
  const options: HandlerOptions = typeof first === "string" || Array.isArray(first)
    ? { ...functions, secret: first as string | readonly string[] }
    : { ...functions, ...first };
  const application = new Application(options);
  const root = application.namespace("/");
  const answer = responder(application, verifying(options.secret), options.maxBody ?? MAX_BODY);

  const forNode = async (request: node.NodeRequest, response: node.NodeResponse) => {
    if (await node.write(response, await answer(node.incomingOf(request))))
      application.log("the server did not wait for an answer, so nothing of it is done: see EVENTS_TIMEOUT");
  };
  const forFetch = async (request: Request) => web.responseOf(await answer(web.incomingOf(request)));

  const handler = (first: any, second?: any) => {
    const request = first?.req?.raw ?? first; // of a context of Hono
    return typeof request?.headers?.get === "function"
      ? forFetch(request)
      : forNode(request, second);
  };
  const returning = <Args extends unknown[]>(f: (...args: Args) => unknown) => (...args: Args) => {
    f(...args);
    return handler;
  };
  const methods = ["emit", "to", "in", "except", "compress", "fetchSockets", "socketsJoin"] as const;
  const more = ["socketsLeave", "disconnectSockets"] as const;
  for (const name of [...methods, ...more])
    Object.defineProperty(handler, name, { value: root[name].bind(root) });
  for (const name of ["volatile", "local"] as const)
    Object.defineProperty(handler, name, { get: () => root[name] });
  return Object.assign(handler, {
    on: returning(root.on.bind(root)),
    use: returning(root.use.bind(root)),
    send: returning(root.send.bind(root)),
    of: (name: string) => application.namespace(name),
    sockets: root,
    node: forNode,
    fetch: forFetch,
    POST: forFetch,
  }) as unknown as Handler<any, any, any>;
}

/**
 * Returns the function that verifies. Without a secret it throws at the first request: a build that
 * only imports the module has no environment yet.
 */
function verifying(secret: string | readonly string[] | undefined): () => Verify {
  if (secret !== undefined) {
    const verify = verifier(secret);
    return () => verify;
  }
  let verify: Verify | undefined;
  return () => {
    const own = typeof process === "undefined" ? undefined : process.env?.HOOK_SECRET;
    if (!own) throw new Error("no secret: set HOOK_SECRET, or pass it to createHandler");
    return verify ??= verifier(own);
  };
}
