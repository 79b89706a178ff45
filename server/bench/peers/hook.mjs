// A handler of the event hook: it verifies each signature, checks that the events of a connection
// come in their order, and acknowledges them. A GET answers with its counts.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { announce } from "./publish.mjs";

const last = new Map(); // the last event of each connection
const counts = { events: 0, disorder: 0, forged: 0 };

function isSigned(headers, body) {
  const mac = createHmac("sha256", process.env.HOOK_SECRET)
    .update(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`).update(body);
  const given = Buffer.from(String(headers["webhook-signature"]).slice("v1,".length), "base64");
  const wanted = mac.digest();
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function answer(headers, body) {
  if (!isSigned(headers, body)) {
    counts.forged++;
    return [401, "{}"];
  }
  const { type, data } = JSON.parse(body);
  if (type !== "events") return [200, JSON.stringify(acknowledge(data))];
  const lines = data.events.map(({ id, data }) =>
    JSON.stringify({ id, answer: acknowledge(data) }) + "\n"
  );
  return [200, lines.join(""), "application/x-ndjson"];
}

function acknowledge({ connection, args: [n] }) {
  counts.events++;
  if (n <= (last.get(connection.id) ?? -1)) counts.disorder++;
  last.set(connection.id, n);
  return { ack: [n] };
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const [status, text, media = "application/json"] = request.method === "POST"
      ? answer(request.headers, Buffer.concat(chunks))
      : [200, JSON.stringify(counts)];
    response.writeHead(status, { "Content-Type": media }).end(text);
  });
});
server.listen(Number(process.env.HOOK_PORT ?? 0), "127.0.0.1", () => announce(server.address().port));
