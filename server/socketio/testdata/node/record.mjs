// Runs scenarios.json against a Node server and prints what its handlers and clients saw: one line of JSON for each
// scenario. Arguments choose scenarios whose name contains one of them.
import { readFileSync } from "node:fs";
import { Client } from "./client.mjs";
import { serve } from "./server.mjs";

const scenarios = JSON.parse(readFileSync(new URL("scenarios.json", import.meta.url), "utf8"));

const masked = (packet) => packet.replace(/"sid":"[^"]*"/g, '"sid":*').replace(/^2[0-9]+(\[")/, "2N$1");
const distinct = (lists) => [...new Set(lists.map((list) => JSON.stringify(list)))].sort().map((text) => JSON.parse(text));

async function record({ name, clients: count = 1, ping, steps, rooms, got = true }) {
  const server = await serve(ping);
  const clients = Array.from({ length: count }, (_, i) => new Client(server.port, `u${i}`));
  for (const step of steps) {
    const [, only, op, rest] = /^(?:(\d+): )?(\S+) ?(.*)$/s.exec(step);
    const chosen = only === undefined ? clients : [clients[only]];
    switch (op) {
      case "kick":
        server.io.disconnectSockets(true);
        break;
      case "stop":
        server.io.close();
        break;
      case "put": // PUT /v1/connections/{id}/channels/{channel} of ours
        for (const client of chosen) server.io.in(client.id).socketsJoin(rest);
        break;
      case "delete":
        for (const client of chosen) server.io.in(client.id).socketsLeave(rest);
        break;
      case "seen":
        for (const { user } of chosen) while (!server.log[user]?.includes(rest)) await new Promise((resolve) => setTimeout(resolve, 5));
        break;
      case "held":
        await server.held();
        break;
      case "pause": // a Node server closes a client whose DISCONNECT and CONNECT it reads at once; ours does not
        await new Promise((resolve) => setTimeout(resolve, 200));
        break;
      default:
        await Promise.all(chosen.map((client) => act(client, op, rest.replaceAll("{user}", `{"userId":"${client.user}"}`))));
    }
  }
  await server.ended();
  await server.close();
  const reduced = count < 10 ? (lists) => lists : distinct; // many clients do the same
  const line = { name, seen: reduced(clients.map(({ user }) => server.log[user] ?? [])) };
  if (got) line.got = reduced(clients.map((client) => client.got.map(masked)));
  if (rooms) line.rooms = server.rooms();
  return line;
}

async function act(client, op, rest) {
  switch (op) {
    case "open": {
      const [transport, query] = rest.split(" ");
      return client.open(transport, query);
    }
    case "send":
      return client.write("4" + rest);
    case "write":
      return client.write(rest);
    case "expect":
      return client.expect(rest);
    case "answer": {
      const [event, args] = rest.split(" ");
      return client.answer(event, args);
    }
    case "probe":
      return client.probe();
    case "upgrade":
      return client.upgrade();
    case "mute":
      client.muted = true;
      return;
    case "close":
      return client.close();
    case "cut":
      return client.cut();
    case "closed":
      return client.until(() => client.closed);
  }
  throw new Error(`unknown step ${op}`);
}

for (const scenario of scenarios) {
  const wanted = process.argv.slice(2);
  if (wanted.length > 0 && !wanted.some((part) => scenario.name.includes(part))) continue;
  console.log(JSON.stringify(await record(scenario)));
}
