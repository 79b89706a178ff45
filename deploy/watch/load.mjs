// Load for the picture: clients of all transports that come and go, and backends that publish.

import { setTimeout as sleep } from "node:timers/promises";

export class Load {
  #base;
  #key;
  #lives = new Set(); // an AbortController for each connection
  #stopped = false;

  constructor(base, key) {
    this.#base = base;
    this.#key = key;
  }

  /** Puts load on the server for a number of seconds. */
  async run(seconds) {
    const end = Date.now() + 1000 * seconds;
    const clients = Array.from({ length: 160 }, (_, n) => this.#client(n, end));
    await Promise.all([this.#publish(end), this.#mistakes(end), ...clients]);
  }

  /** Ends all connections. */
  stop() {
    this.#stopped = true;
    for (const life of this.#lives) life.abort();
  }

  /** One client, which connects again after a while, as pages do. */
  async #client(n, end) {
    await sleep(50 * n);
    while (Date.now() < end && !this.#stopped) {
      const stay = Math.min(20_000 + Math.random() * 60_000, end - Date.now());
      const life = new AbortController();
      this.#lives.add(life);
      const timer = setTimeout(() => life.abort(), stay);
      try {
        const user = `user-${n % 90}`;
        if (n % 8 === 0) await this.#poll(user, life.signal);
        else if (n % 3 === 0) await this.#socket(user, life.signal);
        else await this.#stream(user, life.signal);
      } catch (error) {
        if (!life.signal.aborted) console.error(`client: ${error.message}`);
      }
      clearTimeout(timer);
      this.#lives.delete(life);
      await sleep(300 + Math.random() * 700);
    }
  }

  async #stream(user, signal) {
    const response = await fetch(`${this.#base}/sse?userId=${user}&channels=orders,news`, { signal });
    for await (const _ of response.body);
  }

  #socket(user, signal) {
    return new Promise((resolve, reject) => {
      const url = `${this.#base.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`;
      const socket = new WebSocket(url);
      signal.addEventListener("abort", () => socket.close());
      socket.onopen = () => socket.send(`40${JSON.stringify({ userId: user, channels: ["orders"] })}`);
      socket.onmessage = ({ data }) => data === "2" && socket.send("3");
      socket.onerror = () => reject(new Error("websocket"));
      socket.onclose = resolve;
    });
  }

  async #poll(user, signal) {
    const url = `${this.#base}/socket.io/?EIO=4&transport=polling`;
    const open = await (await fetch(url, { signal })).text();
    const own = `${url}&sid=${JSON.parse(open.slice(1)).sid}`;
    const post = (body) => fetch(own, { method: "POST", body, signal });
    await post(`40${JSON.stringify({ userId: user, channels: ["news"] })}`);
    while (!signal.aborted) {
      const text = await (await fetch(own, { signal })).text();
      if (text.split("\x1e").includes("2")) await post("3");
    }
  }

  /** Backends: the rate goes up and down. */
  async #publish(end) {
    for (let n = 0; Date.now() < end; n++) {
      const size = Math.round(12 + 10 * Math.sin(n / 60));
      const batch = Array.from({ length: size }, (_, i) => ({
        target: [{ channel: "orders" }, { channel: "news" }, { user: `user-${(n * 7 + i) % 90}` }][i % 3],
        type: "order:created",
        data: { n, text: "x".repeat(120) },
        ...(i === 0 && n % 5 === 0 && { volatile: true }),
      }));
      await this.#post(JSON.stringify(batch), this.#key);
      await sleep(120);
    }
  }

  /** Requests that are refused. */
  async #mistakes(end) {
    while (Date.now() < end) {
      await this.#post(`{"target":{}}`, this.#key);
      await this.#post(`{}`, "a-wrong-key");
      await sleep(4000);
    }
  }

  async #post(body, key) {
    const response = await fetch(`${this.#base}/v1/notifications`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${key}` },
      body,
    });
    await response.arrayBuffer();
  }
}
