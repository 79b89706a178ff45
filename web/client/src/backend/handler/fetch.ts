import { collect, type Incoming, type Outgoing, readBefore } from "./respond.ts";

export function incomingOf(request: Request): Incoming {
  return {
    method: request.method,
    header: (name) => request.headers.get(name),
    body: (limit) => bytesOf(request, limit),
  };
}

async function bytesOf(request: Request, limit: number): Promise<Uint8Array> {
  if (request.bodyUsed) throw readBefore();
  if (!request.body) return new Uint8Array();
  // Not all runtimes can iterate over a ReadableStream.
  const reader = request.body.getReader();
  const chunks = {
    async *[Symbol.asyncIterator]() {
      try {
        for (let next; !(next = await reader.read()).done;) yield next.value;
      } finally {
        reader.cancel().catch(() => {});
      }
    },
  };
  return collect(chunks, limit);
}

export function responseOf({ status, headers, text, lines }: Outgoing): Response {
  return new Response(lines ? streamOf(lines) : text === "" ? null : text, { status, headers });
}

/** Not all runtimes have ReadableStream.from. */
function streamOf(lines: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const next = lines[Symbol.asyncIterator](), encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await next.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
}
