// The functions of the module: their configuration, and the runtimes they need.

import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { afterEach, expect, test, vi } from "vitest";
import { build } from "vite";
import * as module from "../../src/backend/index.ts";
import { API_KEY } from "../../../e2e/harness.mjs";
import { Front } from "./support/front.ts";
import { backendOf, openReader, startServer } from "./support/server.ts";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

/** Imports the module as a new program does. */
async function fresh(env: Record<string, string | undefined>): Promise<typeof module> {
  for (const name of ["ROOMCAST_URL", "ROOMCAST_API_KEY", "ROOMCAST_KEY"])
    vi.stubEnv(name, env[name]);
  vi.resetModules();
  return import("../../src/backend/index.ts");
}

test("the module has every function that a backend has", async () => {
  const backend: any = module.createBackend();
  const shared = Object.keys(backend).filter((name) =>
    typeof (module as any)[name] === typeof backend[name]
  );
  expect(shared).toEqual(Object.keys(backend));
  const own = ["Refusal", "configure", "createBackend", "createHandler", "refusal"];
  expect(Object.keys(module).sort()).toEqual([...shared, ...own].sort());
  expect(Object.keys(module.SSEManager).sort()).toEqual(Object.keys(backend.SSEManager).sort());
});

test("the environment configures the server", async () => {
  const server = await startServer();
  const ann = await openReader(server, { userId: "ann" });
  const { sendPaymentNotification, notifyUser } = await fresh({
    ROOMCAST_URL: `${server.url}/`,
    ROOMCAST_API_KEY: API_KEY,
  });
  expect(await sendPaymentNotification("p_1", "completed", { customerId: "ann" })).toBe(1);
  expect((await ann.next()).data.paymentId).toBe("p_1");
  const other = await fresh({ ROOMCAST_URL: server.url, ROOMCAST_KEY: API_KEY });
  expect(await other.SSEManager.isUserOnline("ann")).toBe(true);
  expect(await notifyUser("ann", "Hi")).toBe(1);
});

test("a missing setting throws at the first call, not at the import", async () => {
  const none = await fresh({});
  const text =
    "roomcast: the server's url (ROOMCAST_URL) and an API key (ROOMCAST_API_KEY) missing: set the environment, or pass it to configure or createBackend";
  expect(() => none.sendWebhookNotification("x", {})).toThrow(TypeError(text));
  expect(() => none.SSEManager.getConnections()).toThrow(TypeError(text));
  expect(() => none.sendMultiUserNotification(["ann"], "x", {})).toThrow(TypeError(text));
  const half = await fresh({ ROOMCAST_URL: "http://127.0.0.1:9", ROOMCAST_API_KEY: "" });
  expect(() => half.notifyUser("ann", "x"))
    .toThrow("roomcast: an API key (ROOMCAST_API_KEY) missing");
  for (
    const url of [
      "127.0.0.1:3000",
      "ws://127.0.0.1",
      "http://user:secret@127.0.0.1",
      "http://127.0.0.1/?key=secret",
      "nonsense",
    ]
  ) {
    const call = () => module.createBackend({ url, apiKey: "k" }).notifyUser("ann", "x");
    expect(call)
      .toThrow(TypeError("roomcast: url must be an http:// or https:// address without a user, query or fragment"));
  }
});

test("a timeout is milliseconds above 0", () => {
  for (const timeout of [0, -1, NaN, Infinity, 2 ** 31, "3000" as any]) {
    const call = () =>
      module.createBackend({ url: "http://127.0.0.1:9", apiKey: "k", timeout }).notifyUser(
        "ann",
        "x",
      );
    expect(call).toThrow(TypeError("roomcast: timeout must be from 1 to 2147483647 ms"));
  }
});

test("configure applies to all later calls", async () => {
  const server = await startServer();
  const { configure, sendPaymentNotification, SSEManager } = await fresh({
    ROOMCAST_URL: "http://127.0.0.1:9",
    ROOMCAST_API_KEY: "other",
  });
  const front = await Front.of(server);
  front.rewrite = (path) => path.replace(/^\/behind\/it/, "");
  configure({ url: `${front.url}/behind/it/`, apiKey: API_KEY });
  expect(await SSEManager.isUserOnline("ann")).toBe(false);
  expect(await sendPaymentNotification("p_1", "completed", { customerId: "ann" })).toBe(0);
  expect(front.requests.map(({ method, path }) => [method, path])).toEqual([
    ["GET", "/behind/it/v1/users/ann"],
    ["POST", "/behind/it/v1/notifications/payment"],
  ]);
});

test("the fetch of the options is called without this", async () => {
  const server = await startServer();
  const seen: unknown[] = [];
  const backend = backendOf(server.url, {
    fetch(this: unknown, input: any, init: any) {
      seen.push(this, input, init.method);
      return fetch(input, init);
    },
  } as module.BackendOptions);
  await backend.SSEManager.isUserOnline("ann");
  expect(seen).toEqual([undefined, `${server.url}/v1/users/ann`, "GET"]);
});

test("the module needs nothing of Node", async () => {
  const server = await startServer();
  const [bundle] = await build({
    root: join(import.meta.dirname, "..", ".."),
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      lib: { entry: "src/backend/index.ts", formats: ["iife"], name: "roomcast" },
    },
  }) as { output: { code: string }[] }[];
  // The globals of every runtime. fetch accepts only the signals of this runtime.
  const world = { fetch, AbortSignal, URL, URLSearchParams, crypto, console, setTimeout };
  const { createBackend, sendWebhookNotification } = runInNewContext(
    `${bundle!.output[0]!.code}; roomcast`,
    world,
  ) as typeof module;
  const backend = createBackend({ url: server.url, apiKey: API_KEY });
  const ann = await openReader(server, { userId: "ann" });
  expect(await backend.sendWebhookNotification("git:push", { commits: 2 })).toBe(1);
  expect((await ann.next()).data.commits).toBe(2);
  expect(() => sendWebhookNotification("x", {})).toThrow("ROOMCAST_URL");
});
