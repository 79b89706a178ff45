// The real clients of `make proof`: half of them socket.io-client, half EventSource, all in one
// channel. Each line of the output is what one of them received.
//
//	node proof.mjs URL NUMBER

import { EventSource } from "eventsource";
import { io } from "socket.io-client";

const [url, number] = process.argv.slice(2);
const write = (line) => process.stdout.write(`${JSON.stringify({ ...line, at: Date.now() })}\n`);

function socket(n) {
  const client = io(url, {
    forceNew: true,
    transports: n % 4 ? ["websocket"] : ["polling", "websocket"],
    auth: { userId: `node-${n}`, channels: ["orders"] },
  });
  client.on("connect", () => write({ n, connect: true, recovered: client.recovered }));
  client.on("connected", (_data, id) => write({ n, start: id }));
  client.on("gap", ({ from, to, rooms }) => write({ n, gap: { from, to, rooms } }));
  client.on("n", ({ data }, id) => write({ n, key: data.split(" ")[0], id }));
}

function stream(n) {
  const source = new EventSource(`${url}/sse?userId=node-${n}&channels=orders`);
  source.addEventListener("connected", ({ lastEventId }) => {
    write({ n, connect: true });
    write({ n, start: lastEventId });
  });
  source.addEventListener("gap", ({ data }) => {
    const { from, to, rooms } = JSON.parse(data);
    write({ n, gap: { from, to, rooms } });
  });
  source.addEventListener(
    "n",
    ({ data, lastEventId }) => write({ n, key: JSON.parse(data).data.split(" ")[0], id: lastEventId }),
  );
}

for (let n = 0; n < Number(number); n++) (n % 2 ? stream : socket)(n);
process.stdin.on("end", () => process.exit(0)).resume();
