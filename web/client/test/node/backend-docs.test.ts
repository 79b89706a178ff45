// Every TypeScript block of docs/typescript-backends.md compiles, and runs unchanged.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { API_KEY } from "../../../e2e/harness.mjs";
import { snippetsOf } from "../../../e2e/snippets.mjs";
import { openReader, startServer } from "./support/server.ts";

const root = join(import.meta.dirname, "..", "..");
const sources: Record<string, string> = {
  "roomcast": "src/index.ts",
  "roomcast/backend": "src/backend/index.ts",
  "roomcast/react": "src/react/index.ts",
};
const blocks = (await snippetsOf("docs/typescript-backends.md")).filter(({ language }) =>
  language === "ts"
);

let home = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "roomcast-docs-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

test("every block compiles", async () => {
  expect(blocks.length).toBeGreaterThan(8);
  for (const { line, code } of blocks) {
    const isModule = /^(import|export) /m.test(code);
    await writeFile(join(home, `line-${line}.ts`), isModule ? code : `${code}\nexport {};`);
  }
  const paths = Object
    .fromEntries(Object.entries(sources).map(([name, path]) => [name, [join(root, path)]]));
  await writeFile(
    join(home, "tsconfig.json"),
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        paths,
        typeRoots: [join(root, "../node_modules/@types")],
        noUnusedLocals: false,
      },
      include: ["*.ts"],
    }),
  );
  const tsc = join(root, "../node_modules/.bin/tsc");
  const { stdout } = await promisify(execFile)(tsc, ["-p", home]).catch((error) => error);
  expect(stdout).toBe("");
});

test("every block runs", async () => {
  const server = await startServer();
  const reader = await openReader(server, {
    userId: "user123",
    channels: ["orders", "kitchen", "shop"],
  });
  for (
    const [name, value] of Object.entries({
      ROOMCAST_URL: server.url,
      ROOMCAST_API_KEY: API_KEY,
      SHOP_KEY: API_KEY,
    })
  ) vi.stubEnv(name, value);
  const errors = vi.spyOn(console, "error").mockImplementation(() => {});
  const session = `const sessionOf = async () => ({ userId: "user123", name: "Ann" });`;
  let ran = 0;
  for (const { line, code } of blocks.filter(({ code }) => code.includes("roomcast/backend"))) {
    const text = code
      .replace(
        /from "(roomcast[^"]*)"/g,
        (_: string, name: string) => `from ${JSON.stringify(join(root, sources[name]!))}`,
      )
      .replace("https://push.example.com", server.url)
      .replace(/^declare function sessionOf.*$/m, session);
    const file = join(home, `run-${line}.ts`);
    await writeFile(file, text);
    const { POST, encode } = await import(file);
    const body = JSON.stringify({ id: "p_81", userId: "user123", amount: 9.99 });
    if (POST)
      expect((await POST(new Request("http://localhost/", { method: "POST", body }))).status)
        .toBe(200);
    if (encode) await encode("v_1", "user123", async () => {});
    ran++;
  }
  expect(ran).toBeGreaterThan(7);
  expect(errors.mock.calls).toEqual([]);
  while ((await reader.next()).type !== "job:completed"); // of the last block
  expect(new Set(reader.got().map(({ type }) => type))).toEqual(new Set([
    "payment:completed",
    "stock:changed",
    "job:progress",
    "maintenance",
    "payment:refunded",
    "notification",
    "table:ready",
    "order:placed",
    "cursor:moved",
    "order:assigned",
    "order:created",
    "job:started",
    "job:processing",
    "job:completed",
  ]));
});
