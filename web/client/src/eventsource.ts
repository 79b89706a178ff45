// The other transport: an EventSource for what comes, requests for what goes. A native EventSource reconnects by itself,
// but with the credentials it was made with and on this transport only, so each one here is used for one connection.

import { CONTROL, fail, within, type Hello, type Link, type LinkSink } from "./link.ts";
import type { ClientError } from "./types.ts";

/** How long a stream may be silent, in ms: the server sends `sync` after 60 s without an event. */
const SILENCE = 90_000;

export interface StreamOptions {
  timeout: number;
  Source: typeof EventSource;
  withCredentials: boolean;
  tokenInUrl: boolean;
  /** A ticket for one more request, where the stream was opened by one. */
  ticket?: (() => Promise<string>) | undefined;
}

/** The error that a response tells of (RFC 9457). */
async function problem(response: Response): Promise<ClientError> {
  const { code, detail, title } = await response.json().catch(() => ({}));
  const wait = Number(response.headers.get("Retry-After"));
  return fail(code ?? (response.status < 500 ? "forbidden" : "unavailable"), detail ?? title ?? `status ${response.status}`, wait);
}

/** Opens a link. The url is the stream's. */
export function openStream(url: URL, hello: Hello, o: StreamOptions, sink: LinkSink): Link {
  const { userId, username, token, ticket, channels, sessionId, since } = hello;
  const stop = new AbortController();
  let open = true, source: EventSource | undefined, clientId = "", heard = Date.now(), patience = o.timeout;
  let timer: ReturnType<typeof setTimeout>;

  function at(path: string, query: Record<string, string | undefined>) {
    const to = new URL(url);
    to.pathname = to.pathname.replace(/\/$/, "") + path;
    for (const name in query) if (query[name]) to.searchParams.set(name, query[name]);
    return to;
  }

  /** Posts with the token in a header: what is in a URL ends up in logs. */
  async function post(path: string, body?: unknown) {
    const query = ticket && o.ticket ? { ticket: await o.ticket() } : { userId, username };
    const response = await fetch(at(path, query), {
      method: "POST", signal: stop.signal, credentials: o.withCredentials ? "include" : "same-origin",
      headers: { "Content-Type": "application/json", ...(hello.token && { Authorization: "Bearer " + hello.token }) },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw await problem(response);
    return response.json();
  }

  function end(reason: string, error?: ClientError) {
    if (!open) return;
    open = false;
    clearTimeout(timer);
    stop.abort(fail("closed", reason));
    source?.close();
    sink.closed(reason, error);
  }

  function watch() {
    clearTimeout(timer);
    const left = heard + patience - Date.now();
    if (left <= 0) end("no sign of the server");
    else timer = setTimeout(watch, left);
  }

  async function start() {
    let pass: Record<string, string | undefined> = ticket ? { ticket } : { userId, username };
    if (token && !ticket) pass = o.tokenInUrl ? { ...pass, token } : { ticket: (await post("/tickets")).ticket };
    if (!open) return;
    const to = at("", { ...pass, sessionId, lastEventId: since, envelope: "true" });
    for (const channel of channels) to.searchParams.append("channels", channel);
    source = new o.Source(to, { withCredentials: o.withCredentials });
    for (const name of ["message", ...CONTROL]) source.addEventListener(name, (event) => take(name, event as MessageEvent));
    source.onerror = () => {
      if (source!.readyState === 2) refused(to);
      else end("connection lost");
    };
  }

  function take(name: string, { data, lastEventId }: MessageEvent) {
    if (!open || data === undefined) return; // an `error` of EventSource itself has no data
    heard = Date.now();
    const value = JSON.parse(data);
    if (name === "connected") {
      clientId = value.clientId;
      patience = SILENCE;
      watch();
    }
    if (name === "disconnected") end(value.reason, fail(name, value.reason ?? name));
    else if (name === "overloaded") end(name, fail("unavailable", "no place for another stream"));
    else if (name === "message") sink.event(value.type, { metadata: {}, ...value }, lastEventId);
    else sink.event(name, value, lastEventId);
  }

  // An EventSource does not say why it was refused, so the question is asked again where the answer can be read.
  async function refused(to: URL) {
    source!.close();
    try {
      const response = await fetch(to, { signal: stop.signal, credentials: o.withCredentials ? "include" : "same-origin" });
      end("refused", response.ok ? undefined : await problem(response));
    } catch {
      end("refused");
    }
  }

  watch();
  start().catch((error) => end(error.message, error.code && error));

  return {
    emit() {},
    async ask(name, [body]) {
      const { channels, token } = body as any ?? {};
      const request: Promise<any> | false = name === "subscribe" ? post(`/${clientId}/channels`, { join: channels })
        : name === "unsubscribe" ? post(`/${clientId}/channels`, { leave: channels })
        : name === "send-message" ? post(`/${clientId}/messages`, body)
        : name === "auth:refresh" && post(`/${clientId}/token`, { token });
      if (!request) throw fail("unsupported", `${name} needs the transport socket.io`);
      const answer = await within(request, o.timeout, name);
      if (token) hello.token = token;
      return answer;
    },
    close: () => end("closed"),
  };
}
