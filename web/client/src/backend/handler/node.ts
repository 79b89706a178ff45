import { collect, type Incoming, type Outgoing, readBefore, tooLarge } from "./respond.ts";

/** The parts of a request of Node's http module that the handler uses. */
export interface NodeRequest extends AsyncIterable<any> {
  method?: string | undefined;
  headers: Record<string, string | string[] | undefined>;
  /** Whether something has read from the body. */
  readableDidRead?: boolean;
  [field: string]: any;
}

/** The parts of a response of Node's http module that the handler uses. */
export interface NodeResponse {
  writeHead(status: number, headers: Record<string, string>): any;
  write(text: string): any;
  end(text?: string): any;
  [field: string]: any;
}

export function incomingOf(request: NodeRequest): Incoming {
  return {
    method: request.method ?? "",
    header: (name) => [request.headers[name]].flat().join(" ") || undefined,
    body: (limit) => bytesOf(request, limit),
  };
}

async function bytesOf(request: NodeRequest, limit: number): Promise<Uint8Array> {
  // Frameworks and express.raw() keep the bytes there.
  for (const kept of [request.rawBody, request.body]) {
    const bytes = typeof kept === "string" ? new TextEncoder().encode(kept) : kept;
    if (!(bytes instanceof Uint8Array)) continue;
    if (bytes.length > limit) throw tooLarge(limit);
    return bytes;
  }
  if (request.readableDidRead) throw readBefore();
  return collect(request, limit);
}

/** Resolves with true if the server did not wait for the answer. */
export async function write(
  response: NodeResponse,
  { status, headers, text, lines }: Outgoing,
): Promise<boolean> {
  if (response.destroyed) return true;
  // The rest of a body that was not read must not be taken for the next request.
  const close: Record<string, string> = status === 413 ? { Connection: "close" } : {};
  response.writeHead(status, { ...headers, ...close });
  if (lines) {
    for await (const line of lines) {
      if (response.destroyed) return true;
      response.write(line);
    }
  }
  response.end(text === "" ? undefined : text);
  return false;
}
