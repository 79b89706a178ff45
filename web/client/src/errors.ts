// Errors with a code, and the promises that end in one.

import type { ClientError, Options } from "./types.ts";

/** Codes of refusals that other credentials may end. */
export const TOKEN_ERROR = /^(unauthenticated|invalid_token|token_expired)$/;

/** Codes of refusals that nothing ends. */
const FINAL = /^(forbidden|validation|disconnected)$/;

/** Reports whether no retry ends a refusal with this code. */
export const isFinal = (code: string, { getToken, getTicket }: Options): boolean =>
  FINAL.test(code) || TOKEN_ERROR.test(code) && !getToken && !getTicket;

/** Returns an error with a code. retryAfter: in seconds. */
export function clientError(code: string, message: string, retryAfter?: number): ClientError {
  const error = new Error(message);
  return Object.assign(error, { code, retryAfter: retryAfter || undefined }) as ClientError;
}

/**
 * Returns an error of this package or of the page; undefined for an error of the browser, whose
 * code is a number or missing.
 */
export const withCode = (error: any): ClientError | undefined =>
  typeof error.code === "string" ? error : undefined;

/** Rejects when promise takes longer than ms. what: names the wait in the error. */
export function withTimeout<T>(promise: T | Promise<T>, ms: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(clientError("timeout", `${what}: no answer within ${ms} ms`)),
      ms,
    );
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}

/** Returns the value of an acknowledgement, or throws the error that it contains. */
export function acknowledged(reply: any): any {
  const error = reply?.error;
  if (error?.code) throw clientError(error.code, error.message ?? error.code, error.retryAfter);
  return reply;
}
