import type { BackendError, BackendOptions } from "./types.ts";

/** A request to the server, and its name in the log. */
export interface Request {
  /** The name of the function that the application called. */
  from: string;
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  body?: unknown;
  /** Makes a POST safe to send again. */
  idempotencyKey?: string | undefined;
  /** `not_found` is a normal answer, not an error. */
  absent?: boolean;
  /** A field that every answer of a Roomcast server to this request has. */
  reads: string;
}

/** Resolves with the server's answer, or with undefined after a failure; never rejects. */
export type Call = (request: Request) => Promise<any>;

/** The options, complete and checked. */
interface Settings {
  url: string;
  key: string;
  timeout: number;
  attempts: number;
}

/**
 * Returns the function that makes all calls. It reads the options at the first call, which throws
 * when one is missing: a build that only imports the module has no environment yet.
 */
export function caller(options: BackendOptions): Call {
  let settings: Settings | undefined;
  return (request) => carryOut(request, settings ??= read(options), options);
}

function read({ url, apiKey, timeout, retries }: BackendOptions): Settings {
  // By their full names, because bundlers for edge runtimes replace these by their values.
  const env = typeof process === "undefined" || !process.env ? undefined : {
    url: process.env.ROOMCAST_URL,
    key: process.env.ROOMCAST_API_KEY || process.env.ROOMCAST_KEY,
  };
  const address = url || env?.url;
  const key = (apiKey || env?.key)?.trim();
  if (!address || !key) {
    const missing = [
      !address && "the server's url (ROOMCAST_URL)",
      !key && "an API key (ROOMCAST_API_KEY)",
    ].filter(Boolean);
    throw new TypeError(`roomcast: ${
      missing.join(" and ")
    } missing: set the environment, or pass it to configure or createBackend`);
  }
  // fetch would throw too, with the secret in its message.
  if (!/^[!-~]+$/.test(key))
    throw new TypeError("roomcast: apiKey has characters that no header can carry");
  const parsed = URL.canParse(address) ? new URL(address) : undefined;
  if (
    !parsed || !/^https?:$/.test(parsed.protocol) || parsed.username || parsed.password ||
    parsed.search || parsed.hash
  ) {
    throw new TypeError("roomcast: url must be an http:// or https:// address without a user, query or fragment");
  }
  const ms = timeout ?? 10_000;
  // A timer takes at most 2^31 - 1 ms.
  if (!(Number.isFinite(ms) && ms >= 1 && ms < 2 ** 31))
    throw new TypeError("roomcast: timeout must be from 1 to 2147483647 ms");
  return {
    url: parsed.href.replace(/\/+$/, ""),
    key,
    timeout: ms,
    attempts: 1 + Math.max(0, retries ?? 2),
  };
}

async function carryOut(
  request: Request,
  settings: Settings,
  { onError, log, fetch }: BackendOptions,
): Promise<any> {
  const end = Date.now() + settings.timeout;
  const ready = prepare(request, settings.key);
  for (let attempt = 1;; attempt++) {
    const left = end - Date.now();
    const last = attempt >= settings.attempts;
    // An attempt without an answer leaves time for another one. The last one takes all the rest.
    const result = "error" in ready ?
      ready
      : await once(
        fetch ?? globalThis.fetch,
        settings.url + request.path,
        ready,
        request.reads,
        last ? left : left / 2,
      );
    if (!("error" in result)) return result.answer;
    const { error } = result;
    if (error.code === "not_found" && request.absent) return undefined;
    const wait = pause(attempt, error.retryAfter);
    if (!last && passes(error) && Date.now() + wait < end) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      continue;
    }
    tell(log ?? console.error, line(request.from, attempt, error));
    tell(onError, error, { function: request.from, attempt });
    return undefined;
  }
}

/** Encodes a request, once for all attempts: the application may change its data between them. */
function prepare(
  { method, body, idempotencyKey }: Request,
  key: string,
): RequestInit | { error: BackendError } {
  if (idempotencyKey !== undefined && !/^[!-~]{1,64}$/.test(idempotencyKey)) {
    return {
      error: fault("validation", "idempotencyKey: expected 1 to 64 visible ASCII characters", {
        field: "idempotencyKey",
      }),
    };
  }
  try {
    return {
      method,
      headers: {
        Authorization: `Bearer ${key}`,
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...(idempotencyKey !== undefined && { "Idempotency-Key": idempotencyKey }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      // The cache of a framework would return the connections of an earlier time.
      ...(method === "GET" && { cache: "no-store" as const }),
      redirect: "manual", // the key is for this address only
    };
  } catch (cause) {
    return {
      error: fault("validation", `data cannot be sent: ${(cause as Error).message}`, { cause }),
    };
  }
}

type Result = { answer: any } | { error: BackendError };

/** Makes one attempt. */
async function once(
  fetch: typeof globalThis.fetch,
  url: string,
  ready: RequestInit,
  reads: string,
  ms: number,
): Promise<Result> {
  try {
    const response = await fetch(url, {
      ...ready,
      signal: AbortSignal.timeout(Math.max(1, Math.ceil(ms))),
    });
    // Read to the end in any case, because only then can the connection be used again.
    const answer = parse(await response.text());
    if (response.ok && answer?.[reads] != null) return { answer };
    return { error: refusal(response, answer) };
  } catch (cause) {
    const { name, message, cause: why } = cause as Error & {
      cause?: { code?: string; message?: string };
    };
    if (name === "TimeoutError" || name === "AbortError")
      return { error: fault("timeout", `no answer in ${Math.ceil(ms)} ms`, { cause }) };
    return { error: fault("network", why?.message || why?.code || message, { cause }) };
  }
}

function parse(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the error for an answer without the expected field. */
function refusal({ status, headers }: Response, problem: any): BackendError {
  const wait = headers.get("Retry-After");
  const seconds = wait === null
    ? NaN
    : /^\d+$/.test(wait)
    ? Number(wait)
    : (Date.parse(wait) - Date.now()) / 1000;
  // JSON of another type is a proxy's, which may have codes of its own.
  const type = headers.get("Content-Type") ?? "application/problem+json";
  if (typeof problem?.code !== "string" || !/^application\/problem\+json\b/.test(type))
    problem = {
      code: "invalid_response",
      detail: "the answer is not from a Roomcast server: check the url",
    };
  return fault(problem.code, problem.detail ?? problem.title, {
    status,
    ...(typeof problem.field === "string" && { field: problem.field }),
    ...(typeof problem.request_id === "string" && { requestId: problem.request_id }),
    ...(!Number.isNaN(seconds) && { retryAfter: Math.max(0, seconds) }),
  });
}

function fault(code: string, message: string, more: Partial<BackendError>): BackendError {
  return Object.assign(new Error(message), { name: "BackendError", code }, more);
}

/**
 * Reports whether another attempt may succeed. All other errors are caused by the request itself.
 */
function passes({ code, status = 0 }: BackendError): boolean {
  return code === "network" || code === "timeout" || status === 408 || status === 429 ||
    status >= 500;
}

/**
 * Returns how long to wait after an attempt, in ms: about 100, 200, 400 …, at most 2000, plus
 * retryAfter.
 */
function pause(attempt: number, retryAfter = 0): number {
  const most = Math.min(2000, 100 * 2 ** (attempt - 1));
  return retryAfter * 1000 + most * (0.5 + Math.random() / 2);
}

function line(
  from: string,
  attempt: number,
  { code, status, message, requestId }: BackendError,
): string {
  const about = [code, status, requestId && `request ${requestId}`].filter(Boolean).join(", ");
  return `roomcast: ${from} failed${
    attempt > 1 ? ` after ${attempt} attempts` : ""
  }: ${message} (${about})`;
}

/** Calls a function of the application, and drops its errors: they must not hide the first one. */
function tell<Args extends unknown[]>(
  handler: ((...args: Args) => unknown) | undefined,
  ...args: Args
): void {
  (async () => handler?.(...args))().catch(() => {});
}
