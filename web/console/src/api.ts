// The HTTP API of the server that serves this page.

/** An error of the API (RFC 9457), or `network` when there is no answer. */
export interface Problem {
  status: number;
  code: string;
  detail: string;
  /** The invalid field, such as `data.amount`. */
  field?: string;
  request_id?: string;
}

export interface Answer<T> {
  status: number;
  /** The body, if it is JSON. */
  json: T;
  /** The body as text. */
  text: string;
  problem?: Problem;
}

/**
 * The address of the API: that of the page, or its parent when the page is at /console/. It ends
 * with a slash.
 */
export const base = new URL(
  /\/console\/(index\.html)?$/.test(location.pathname) ? "../" : "./",
  location.href.split(/[?#]/)[0],
);

const STORED = "roomcast:key";

/** The API key, which only this tab keeps. */
export const key = {
  get value(): string {
    return sessionStorage.getItem(STORED) ?? "";
  },
  set value(text: string) {
    if (text) sessionStorage.setItem(STORED, text);
    else sessionStorage.removeItem(STORED);
    changes.dispatchEvent(new Event("change"));
  },
};

const changes = new EventTarget();

/** Calls run after each change of the key. */
export const onKey = (run: () => void): void => changes.addEventListener("change", run);

/**
 * Takes the key from the fragment, which no server sees, and removes it from the address bar and
 * the history.
 */
export function takeKey(): void {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given === null) return;
  history.replaceState(null, "", location.pathname + location.search);
  key.value = given;
}

/**
 * Calls a route. body: JSON as text, which goes out as it was typed. seconds: how long to wait for
 * the answer (default: 20). Rejects only when signal aborts. Without a key it does not call routes
 * that need one, which would only fill the server's log.
 */
export async function call<T = any>(
  method: string,
  path: string,
  o: {
    body?: string;
    headers?: Record<string, string>;
    seconds?: number;
    signal?: AbortSignal;
  } = {},
): Promise<Answer<T>> {
  if (path.startsWith("v1/") && !key.value) {
    return {
      status: 0,
      json: undefined as T,
      text: "",
      problem: { status: 401, code: "unauthenticated", detail: "an API key is needed" },
    };
  }
  const headers: Record<string, string> = { ...o.headers };
  if (o.body !== undefined) headers["Content-Type"] = "application/json";
  if (key.value) headers.Authorization = `Bearer ${key.value}`;
  const { seconds = 20 } = o;
  const limit = AbortSignal.timeout(seconds * 1000);
  try {
    const response = await fetch(new URL(path, base), {
      method,
      headers,
      body: o.body ?? null,
      signal: o.signal ? AbortSignal.any([o.signal, limit]) : limit,
    });
    const text = await response.text();
    const value = parse(text);
    if (response.ok) return { status: response.status, json: value as T, text };
    // Any other JSON is a proxy's.
    const isOurs = /^application\/problem\+json\b/.test(response.headers.get("Content-Type") ?? "");
    const { code = "", detail, title, field, request_id } = isOurs && value || {};
    const problem: Problem = {
      status: response.status,
      code,
      detail: detail ?? title ?? `status ${response.status}`,
    };
    if (field) problem.field = field;
    if (request_id) problem.request_id = request_id;
    return { status: response.status, json: value as T, text, problem };
  } catch (error) {
    if (o.signal?.aborted) throw error;
    const detail = limit.aborted
      ? `the server did not answer in ${seconds} s`
      : "the server cannot be reached";
    return {
      status: 0,
      json: undefined as T,
      text: "",
      problem: { status: 0, code: "network", detail },
    };
  }
}

function parse(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns a problem in one line. */
export function lineOf({ status, code, detail }: Problem): string {
  return status ? `${status} ${code}: ${detail}` : `No answer: ${detail}`;
}

/** Returns a path with the names in it escaped. */
export const path = (strings: TemplateStringsArray, ...names: string[]): string =>
  strings.reduce((all, part, n) => all + encodeURIComponent(names[n - 1]!) + part);

export type AuthMode = "open" | "token" | "ticket" | "hook";

/** Resolves with how the server authenticates clients; undefined when the key may not ask. */
export async function authMode(): Promise<AuthMode | undefined> {
  return (await call<{ authMode?: AuthMode }>("GET", "v1/stats")).json?.authMode;
}

let document_: Promise<any> | undefined;

/** Resolves with the description of the API, which it requests once. */
export function openapi(): Promise<any> {
  document_ ??= call("GET", "openapi.json").then(({ json, problem }) => {
    if (!problem) return json;
    document_ = undefined;
    throw new Error(lineOf(problem));
  });
  return document_;
}
