import type { Application } from "./application.ts";
import { parseRequest } from "./requests.ts";
import type { HeaderOf, Verify } from "./signature.ts";

/** A request in the form of any HTTP library. */
export interface Incoming {
  method: string;
  header: HeaderOf;
  /** Resolves with the bytes of the body. Throws a {@link BodyError}. */
  body(limit: number): Promise<Uint8Array>;
}

export interface Outgoing {
  status: number;
  headers: Record<string, string>;
  text: string;
  /** In place of text. */
  lines?: AsyncIterable<string>;
}

/** Why there is no body. */
export class BodyError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Returns the error for a body that something else has read. */
export function readBefore(): BodyError {
  return new BodyError(
    500,
    "the body was read before the handler, which must verify its bytes: register the handler before express.json() and other parsers, or keep the bytes: express.json({ verify: (request, _, bytes) => { request.rawBody = bytes; } })",
  );
}

export const tooLarge = (limit: number) =>
  new BodyError(413, `the body has more than ${limit} bytes (maxBody)`);

/** Reads a body. */
export async function collect(
  body: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      length += chunk.length;
      if (length > limit) throw tooLarge(limit);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof BodyError) throw error;
    throw new BodyError(400, "the body was cut off");
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Returns the function that answers requests. It never rejects. */
export function responder(application: Application, verify: () => Verify, limit: number) {
  const complain = rarely((line) => application.log(line));
  const answer = async (incoming: Incoming): Promise<Outgoing> => {
    if (incoming.method !== "POST")
      return { ...plain(405, "expected POST"), headers: { ...TEXT, Allow: "POST" } };
    const media = incoming.header("content-type") ?? "";
    if (!/^application\/json\s*(;|$)/i.test(media)) return plain(415, "expected application/json");
    if (Number(incoming.header("content-length")) > limit) throw tooLarge(limit);
    const body = await incoming.body(limit);
    const wrong = await verify()(incoming.header, body);
    if (wrong) {
      complain(`a request was refused: ${wrong}`);
      return plain(401, wrong);
    }
    const request = parseRequest(body);
    if (typeof request === "string") return plain(400, request);
    const { status, text, lines } = await application.answer(request);
    if (lines) return { status, headers: { "Content-Type": "application/x-ndjson" }, text, lines };
    if (status === 204) return { status, headers: {}, text: "" };
    return text.startsWith("{") ? { status, headers: JSON_TYPE, text } : plain(status, text);
  };
  return (incoming: Incoming): Promise<Outgoing> =>
    answer(incoming).catch((error) => {
      if (error instanceof BodyError && error.status < 500)
        return plain(error.status, error.message);
      if (error instanceof BodyError) complain(error.message);
      else application.log("a request failed:", error);
      return plain(500, error instanceof BodyError ? error.message : "internal error");
    });
}

const TEXT = { "Content-Type": "text/plain; charset=utf-8" };
const JSON_TYPE = { "Content-Type": "application/json" };

const plain = (status: number, text: string): Outgoing => ({
  status,
  headers: TEXT,
  text: `${text}\n`,
});

/** Logs the same line once a minute: everyone can send requests to the handler. */
function rarely(log: (line: string) => void): (line: string) => void {
  const logged = new Map<string, number>();
  return (line) => {
    const now = Date.now();
    if (now - (logged.get(line) ?? 0) < 60_000) return;
    logged.set(line, now);
    log(line);
  };
}
