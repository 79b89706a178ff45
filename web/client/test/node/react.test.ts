// The hooks outside of a page: rendered by a server, and in the examples of the documentation.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createElement, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  RoomcastProvider,
  useEventSource,
  useNotifications,
  useRoomcast,
  useSocket,
  useSSE,
} from "../../src/react/index.ts";

const client = join(import.meta.dirname, "..", "..");

test("a server renders the hooks without a connection, a timer or a warning", () => {
  const complaints = [vi.spyOn(console, "error"), vi.spyOn(console, "warn")];
  const timers = [
    vi.spyOn(globalThis, "setTimeout"),
    vi.spyOn(globalThis, "setInterval"),
    vi.spyOn(globalThis, "fetch"),
  ];
  onTestFinished(() => void vi.restoreAllMocks());
  function Part() {
    const own = useEventSource({ userId: "ann", getToken: () => "never asked", debug: true });
    const nobody = useSocket({ userId: undefined });
    const { addHandler } = useSSE();
    addHandler("step", () => {});
    const client = useRoomcast();
    return createElement(
      "p",
      null,
      [
        own.status,
        own.connected,
        nobody.status,
        client.status,
        useNotifications().notifications.length,
        own.lastEvent,
      ].join(" "),
    );
  }
  const app = createElement(
    StrictMode,
    null,
    createElement(RoomcastProvider, { userId: "ann" }, createElement(Part)),
  );
  expect(renderToString(app)).toBe("<p>connecting false idle closed 0 </p>");
  for (const spy of [...complaints, ...timers]) expect(spy).not.toHaveBeenCalled();
});

test("the examples of docs/react.md compile", async () => {
  const text = await readFile(join(client, "..", "..", "docs", "react.md"), "utf8");
  const blocks = [...text.matchAll(/^```tsx\n(.*?)^```$/gms)];
  expect(blocks.length).toBeGreaterThan(5);
  const directory = await mkdtemp(join(client, ".docs-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  for (const [n, { 1: code, index }] of blocks.entries()) {
    // A block is a module, at its line in the page, so that errors show that line.
    const line = text.slice(0, index).split("\n").length;
    await writeFile(
      join(directory, `example${n + 1}.tsx`),
      "\n".repeat(line) + code + "\nexport {};\n",
    );
  }
  const source = (path: string) => [join(client, "src", path)];
  await writeFile(
    join(directory, "tsconfig.json"),
    JSON.stringify({
      extends: "../tsconfig.json",
      compilerOptions: {
        noUnusedLocals: false,
        noUnusedParameters: false,
        paths: {
          roomcast: source("index.ts"),
          "roomcast/react": source("react/index.ts"),
          "roomcast/backend": source("backend/index.ts"),
        },
      },
      include: ["*.tsx"],
    }),
  );
  const tsc = join(client, "..", "node_modules", "typescript", "bin", "tsc");
  const result = await promisify(execFile)(process.execPath, [tsc, "-p", directory], {
    cwd: client,
  })
    .catch(({ stdout, message }) => ({ stdout: stdout || message }));
  expect(result.stdout).toBe("");
});
