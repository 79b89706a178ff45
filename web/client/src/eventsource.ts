// The other transport: an EventSource to receive, requests to send. A native EventSource reconnects
// by itself, but only with its first credentials and on this transport, so each one serves one
// connection.

import { clientError, withCode, withTimeout } from "./errors.ts";
import { CONTROL_EVENTS, type Handshake, type Link, type LinkSink } from "./link.ts";
import type { ClientError, Options } from "./types.ts";

/** How long a stream may be silent, in ms: the server sends `sync` after 60 s without an event. */
const SILENCE = 90_000;

export interface StreamOptions extends Pick<Options, "withCredentials" | "tokenInUrl"> {
  /** For each answer, in ms. */
  timeout: number;
  Source: typeof EventSource;
  /** Returns a ticket for one more request, where a ticket opened the stream. */
  getTicket?: (() => Promise<string>) | undefined;
}

type Query = Record<string, string | undefined>;

/**
 * Returns the error in a response (RFC 9457). A response without a code comes from a proxy, which
 * may let the next request through.
 */
async function problemOf(response: Response): Promise<ClientError> {
  const { code, detail, title } = await response.json().catch(() => ({}));
  const message = detail ?? title ?? `status ${response.status}`;
  return clientError(code ?? "network", message, Number(response.headers.get("Retry-After")));
}

/** Opens a link. url: of the stream. */
export function openStream(
  url: URL,
  handshake: Handshake,
  options: StreamOptions,
  sink: LinkSink,
): Link {
  const { userId, username, token, ticket, channels, sessionId, since } = handshake;
  const { withCredentials, tokenInUrl, getTicket, timeout, Source } = options;
  const requests = new AbortController();
  let open = true, source: EventSource | undefined, clientId = "";
  let lastRequest: Promise<unknown> = Promise.resolve();

  function urlOf(path: string, query: Query) {
    const result = new URL(url.href.replace(/\/$/, "") + path); // it has no query
    for (const name in query) if (query[name]) result.searchParams.set(name, query[name]);
    return result;
  }

  /** Sends a request with the token in a header: proxies log URLs. */
  async function request(to: URL, init?: RequestInit) {
    const response = await fetch(to, {
      ...init,
      signal: requests.signal,
      credentials: withCredentials ? "include" : "same-origin",
      headers: {
        ...init?.headers,
        ...(handshake.token && { Authorization: "Bearer " + handshake.token }),
      },
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  async function post(path: string, body?: unknown) {
    const query = ticket && getTicket ? { ticket: await getTicket() } : { userId, username };
    const headers = { "Content-Type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    return (await request(urlOf(path, query), init)).json();
  }

  function close(reason: string) {
    open = false;
    requests.abort(clientError("closed", reason));
    source?.close();
  }

  function end(reason: string, error?: ClientError) {
    if (!open) return;
    close(reason);
    sink.closed(reason, error);
  }

  const failed = (error: ClientError) => end(error.message, withCode(error));

  async function start() {
    let credentials: Query = ticket ? { ticket } : { userId, username };
    if (token && !ticket) {
      credentials = tokenInUrl
        ? { ...credentials, token }
        : { ticket: (await post("/tickets")).ticket };
    }
    if (!open) return;
    const to = urlOf("", { ...credentials, sessionId, lastEventId: since, envelope: "true" });
    for (const channel of channels) to.searchParams.append("channels", channel);
    source = new Source(to, { withCredentials: !!withCredentials });
    for (const name of ["message", ...CONTROL_EVENTS]) {
      source.addEventListener(name, (event) => receive(name, event as MessageEvent));
    }
    source.onerror = () => {
      if (source!.readyState === 2) refused(to);
      else end("connection lost");
    };
  }

  function receive(name: string, { data, lastEventId }: MessageEvent) {
    if (!open || data === undefined) return; // the browser's own `error` has no data
    const { channels, ...value } = JSON.parse(data); // the envelope, and a field for shared tabs
    if (name === "connected") clientId = value.clientId;
    if (name === "disconnected") end(value.reason, clientError(name, value.reason ?? name));
    else if (name === "overloaded") end(name, clientError("unavailable", name));
    else if (name === "message") {
      sink.event(value.type, { metadata: {}, ...value }, lastEventId, undefined, channels);
    }
    else sink.event(name, value, lastEventId);
    if (open) sink.alive(SILENCE);
  }

  /**
   * Asks again why the server refused the stream, because an EventSource does not say so. The
   * ticket that the client got for its token is used up by now; the token, in the header, takes
   * precedence.
   */
  function refused(to: URL) {
    source!.close();
    request(to).then(() => end("refused"), failed);
  }

  start().catch(failed);

  return {
    emit() {},
    async ask(name, [body]) {
      const { channels, token } = body as any ?? {};
      const requestsByEvent: Record<string, [path: string, body: unknown]> = {
        subscribe: ["channels", { join: channels }],
        unsubscribe: ["channels", { leave: channels }],
        "send-message": ["messages", body],
        "auth:refresh": ["token", { token }],
      };
      const [path, content] = requestsByEvent[name] ?? [];
      if (!path) throw clientError("unsupported", `${name} needs the transport socket.io`);
      // One at a time: requests can overtake each other, and the last join or leave must win.
      const answer = lastRequest.then(() =>
        withTimeout(post(`/${clientId}/${path}`, content), timeout, name)
      );
      lastRequest = answer.catch(() => {});
      await answer;
      if (token && open) {
        handshake.token = token;
        sink.event("auth:refreshed", await answer, "");
      }
      return answer;
    },
    close: () => close("closed"),
  };
}
