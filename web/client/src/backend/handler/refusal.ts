/** An error for a client: of a connect hook, or of an event that wants an acknowledgement. */
export class Refusal extends Error {
  readonly data: unknown;
  readonly status: 401 | 403;

  constructor(message: string, data?: unknown, status: 401 | 403 = 403) {
    super(message);
    this.name = "Refusal";
    this.data = data;
    this.status = status;
  }
}

/**
 * Returns an error to throw. In `connect` and `use` the client gets its message and data as its
 * connect_error. In a listener it is the acknowledgement: `{error: {code, detail}}`, with the
 * members of data.
 */
export function refusal(message: string, data?: unknown, status?: 401 | 403): Refusal {
  return new Refusal(message, data, status);
}

/** Returns the acknowledgement of an event whose listener threw. */
export function errorAck(error: unknown): [{ error: Record<string, unknown> }] {
  if (!(error instanceof Refusal)) return [{ error: { code: "internal" } }];
  const data = typeof error.data === "object" && error.data !== null ? error.data : {};
  return [{ error: { code: "refused", detail: error.message, ...data } }];
}
