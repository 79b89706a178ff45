// The other transport: an EventSource for what comes, requests for what goes. A native EventSource reconnects by itself,
// but with the credentials it was made with and on this transport only, so each one here is used for one connection.

import { CONTROL, coded, fail, within, type Hello, type Link, type LinkSink } from "./link.ts";
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

/** The error that a response tells of (RFC 9457). One without a code is of somebody in between, who may think otherwise soon. */
async function problem(response: Response): Promise<ClientError> {
  const { code, detail, title } = await response.json().catch(() => ({}));
  return fail(code ?? "network", detail ?? title ?? `status ${response.status}`, Number(response.headers.get("Retry-After")));
}

/** Opens a link. The url is the stream's. */
export function openStream(url: URL, hello: Hello, o: StreamOptions, sink: LinkSink): Link {
  const { userId, username, token, ticket, channels, sessionId, since } = hello;
  const stop = new AbortController();
  let open = true, source: EventSource | undefined, clientId = "", turn: Promise<unknown> = Promise.resolve();

  function at(path: string, query: Record<string, string | undefined>) {
    const to = new URL(url.href.replace(/\/$/, "") + path); // it has no query
    for (const name in query) if (query[name]) to.searchParams.set(name, query[name]);
    return to;
  }

  /** Asks with the token in a header: what is in a URL ends up in logs. */
  async function request(to: URL, more?: RequestInit) {
    const response = await fetch(to, {
      ...more, signal: stop.signal, credentials: o.withCredentials ? "include" : "same-origin",
      headers: { ...more?.headers, ...(hello.token && { Authorization: "Bearer " + hello.token }) },
    });
    if (!response.ok) throw await problem(response);
    return response;
  }

  async function post(path: string, body?: unknown) {
    const query = ticket && o.getTicket ? { ticket: await o.getTicket() } : { userId, username };
    const headers = { "Content-Type": "application/json" };
    return (await request(at(path, query), { method: "POST", headers, body: JSON.stringify(body) })).json();
  }

  function close(reason: string) {
    open = false;
    stop.abort(fail("closed", reason));
    source?.close();
  }

  function end(reason: string, error?: ClientError) {
    if (!open) return;
    close(reason);
    sink.closed(reason, error);
  }

  async function start() {
    let pass: Record<string, string | undefined> = ticket ? { ticket } : { userId, username };
    if (token && !ticket) pass = o.tokenInUrl ? { ...pass, token } : { ticket: (await post("/tickets")).ticket };
    if (!open) return;
    const to = at("", { ...pass, sessionId, lastEventId: since, envelope: "true" });
    for (const channel of channels) to.searchParams.append("channels", channel);
    source = new o.Source(to, { withCredentials: !!o.withCredentials });
    for (const name of ["message", ...CONTROL]) source.addEventListener(name, (event) => take(name, event as MessageEvent));
    source.onerror = () => {
      if (source!.readyState === 2) refused(to);
      else end("connection lost");
    };
  }

  function take(name: string, { data, lastEventId }: MessageEvent) {
    if (!open || data === undefined) return; // an `error` of EventSource itself has no data
    const value = JSON.parse(data);
    if (name === "connected") clientId = value.clientId;
    if (name === "disconnected") end(value.reason, fail(name, value.reason ?? name));
    else if (name === "overloaded") end(name, fail("unavailable", name));
    else if (name === "message") sink.event(value.type, { metadata: {}, ...value }, lastEventId);
    else sink.event(name, value, lastEventId);
    if (open) sink.alive(SILENCE);
  }

  // An EventSource does not say why it was refused, so the question is asked again where the answer can be read. A ticket
  // that a token was traded for has been used by now; the token goes with it, and wins.
  function refused(to: URL) {
    source!.close();
    request(to).then(() => end("refused"), failed);
  }

  const failed = (error: ClientError) => end(error.message, coded(error));

  start().catch(failed);

  return {
    emit() {},
    async ask(name, [body]) {
      const { channels, token } = body as any ?? {};
      const [path, what] = ({
        subscribe: ["channels", { join: channels }],
        unsubscribe: ["channels", { leave: channels }],
        "send-message": ["messages", body],
        "auth:refresh": ["token", { token }],
      } as Record<string, unknown[]>)[name] ?? [];
      if (!path) throw fail("unsupported", `${name} needs the transport socket.io`);
      // One after the other, for requests overtake each other, and the last word counts.
      const answer = turn.then(() => within(post(`/${clientId}/${path}`, what), o.timeout, name));
      turn = answer.catch(() => {});
      await answer;
      if (token && open) {
        hello.token = token;
        sink.event("auth:refreshed", await answer, "");
      }
      return answer;
    },
    close: () => close("closed"),
  };
}
