// A handler of hooks in Node, which checks signatures with node:crypto.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { once } from "./wait.mjs";

/** The secret of the hooks. */
export const SECRET = "a secret for the tests of the hook";

/**
 * Starts a handler: `answer` gets the data and the type of a request, and returns the answer, or
 * undefined. A number `status` in the answer is its status.
 */
export async function handler(t, answer) {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": given } = request.headers;
    const wanted = createHmac("sha256", SECRET).update(`${id}.${at}.${body}`).digest("base64");
    const valid = given.split(" ").some(
      (one) => one.length === wanted.length + 3 && timingSafeEqual(Buffer.from(one), Buffer.from(`v1,${wanted}`)),
    );
    const { data, type } = JSON.parse(body);
    const reply = valid ? await answer(data, type) : undefined;
    const { status = 200, ...rest } = reply ?? {};
    if (!valid) response.writeHead(401).end();
    else if (!reply) response.writeHead(204).end();
    else response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(rest));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}/`, server };
}

/** Stops a handler. Resolves with a function that starts it again, on the same port. */
export async function stopped(server) {
  const { port } = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return async () => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
}
