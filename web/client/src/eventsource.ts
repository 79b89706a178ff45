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

/** The longest URL that proxies accept, with room for what they add. */
const MAX_URL = 2000;

/**
 * Returns the error in a response. Only a problem document (RFC 9457) in the form of the server is
 * its word: any other comes from a proxy, which may let the next request through.
 */
async function problemOf(response: Response): Promise<ClientError> {
  const { headers, status } = response, problem = await response.json().catch(() => 0);
  const isOurs = headers.get("Content-Type") === "application/problem+json" &&
    problem?.type === "about:blank";
  const { code = "network", detail = `status ${status}` } = isOurs ? problem : {};
  return clientError(code, detail, Number(headers.get("Retry-After")));
}

/** Opens a link. url: of the stream. */
export function openStream(
  url: URL,
  handshake: Handshake,
  options: StreamOptions,
  sink: LinkSink,
): Link {
  const { userId, username, token, channels, sessionId, since } = handshake;
  const { withCredentials, tokenInUrl, getTicket, timeout, Source } = options;
  const requests = new AbortController();
  let { ticket } = handshake, open = true, source: EventSource | undefined, clientId = "";
  /** Of the stream: with it the server accepts requests for a stream without a user. */
  let secret: string | undefined;
  /** The answer of the server when a request joined the channels. */
  let joined: { denied: string[] } | undefined;
  /** Takes the id of `connected` from a stream that only joins channels. */
  let joins: ((lastId: string) => void) | undefined;
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
        ...(secret && { "X-Stream-Secret": secret }),
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

  async function start(lastEventId: string | undefined, names = channels) {
    const exchanged = token && !ticket && !tokenInUrl;
    const credentials = ticket ? { ticket } : exchanged ? {} : { userId, username, token };
    const to = urlOf("", { ...credentials, sessionId, lastEventId, envelope: "true" });
    for (const name of names) to.searchParams.append("channel", name);
    if (to.href.length > MAX_URL && names.length) {
      // A first stream joins the channels by a request, and the server keeps them for the session.
      // The next one joins them again at its last id, so that nothing between is missed.
      const connected = new Promise<string>((resolve) => joins = resolve);
      await start(lastEventId, []);
      const lastId = await connected;
      joined = await post(`/${clientId}/channels`, { join: names });
      joins = undefined;
      source!.close();
      if (ticket) ticket = await getTicket!();
      return start(lastEventId ?? lastId, []);
    }
    if (exchanged) to.search = `ticket=${(await post("/tickets")).ticket}&` + to.search.slice(1);
    if (!open) return;
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
    if (name === "connected") {
      ({ clientId, secret } = Object.assign(value, joined));
      delete value.secret; // the page has no use for it
    }
    if (name === "disconnected") end(value.reason, clientError(name, value.reason ?? name));
    else if (name === "overloaded") end(name, clientError("unavailable", name));
    else if (joins) name === "connected" && joins(lastEventId);
    else if (name === "message") {
      sink.event(value.type, { metadata: {}, ...value }, lastEventId, undefined, channels);
    } else sink.event(name, value, lastEventId);
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

  start(since).catch(failed);

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
      if (!path) throw clientError("unsupported", `${name} needs socket.io`);
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
