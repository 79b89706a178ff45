// The package as npm publishes it: its files, its size, and its types in a project that installs
// it.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const modules = join(root, "..", "node_modules");
let home = "", files: string[] = [];

/** Installs the files that npm packs into a temporary project. The runner has built them. */
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "roomcast-package-"));
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json"], { cwd: root });
  files = JSON.parse(stdout)[0].files.map(({ path }: { path: string }) => path);
  for (const file of files) {
    await mkdir(dirname(join(home, "node_modules/roomcast", file)), { recursive: true });
    await cp(join(root, file), join(home, "node_modules/roomcast", file));
  }
  await mkdir(join(home, "node_modules/@types"), { recursive: true });
  for (const name of ["react", "@types/react", "csstype", "@types/node", "undici-types"]) {
    await symlink(join(modules, name), join(home, "node_modules", name)).catch(() => {});
  }
});
afterAll(() => rm(home, { recursive: true, force: true }));

test("the package has the build, its description and its licence, and no other files", () => {
  const kinds = files.map((file) =>
    file.replace(/^dist\/.*?(\.d\.ts|\.js|\.js\.map)$/, "dist/*$1")
  );
  expect([...new Set(kinds)].sort()).toEqual([
    "LICENSE",
    "README.md",
    "dist/*.d.ts",
    "dist/*.js",
    "dist/*.js.map",
    "package.json",
  ]);
});

test("docs/javascript.md has the sizes, and no file is larger", async () => {
  const page = await readFile(join(root, "../../docs/javascript.md"), "utf8");
  const rows = [...page.matchAll(/^\| .* \| (`[^|]*\.js`) \| ([\d.]+) KB \|$/gm)];
  const listed = new Set<string>();
  for (const [, names, most] of rows) {
    let bytes = 0;
    for (const [, name] of names!.matchAll(/`([^`]+)`/g)) {
      listed.add(`dist/${name}`);
      bytes += gzipSync(await readFile(join(root, "dist", name!)), { level: 9 }).length;
    }
    console.log(names, bytes, "bytes, gzipped");
    expect(bytes, names).toBeLessThanOrEqual(Number(most) * 1024); // 1 KB is 1024 bytes
    expect(bytes, `${names} is much smaller than the page says`)
      .toBeGreaterThan(Number(most) * 1024 * 0.85);
  }
  expect([...listed].sort()).toEqual(files.filter((file) => file.endsWith(".js")).sort());
});

for (const [module, moduleResolution] of [["NodeNext", "NodeNext"], ["ESNext", "Bundler"]]) {
  test(`the types compile with moduleResolution ${moduleResolution}`, async () => {
    await writeFile(join(home, "package.json"), '{"type":"module"}');
    await writeFile(
      join(home, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          module,
          moduleResolution,
          target: "ES2022",
          lib: ["ES2022", "DOM"],
          types: [],
          strict: true,
          exactOptionalPropertyTypes: true,
          noEmit: true,
        },
        files: ["use.ts"],
      }),
    );
    await writeFile(
      join(home, "use.ts"),
      `
      import { connect, type Client, type Notification } from "roomcast";
      import { useEventSource } from "roomcast/react";
      import { createHandler, sendPaymentNotification } from "roomcast/backend";

      declare module "roomcast" {
        interface Catalogue { "order:created": { orderId: string } }
      }
      const client: Client = connect({ userId: "u1" });
      client.on("payment:completed", (n) => { const amount: number | undefined = n.data.amount; void amount; });
      client.on("order:created", (n, id) => { const text: string = n.data.orderId + id; void text; });
      client.on("gap", ({ reason }) => { const known: "trimmed" | "epoch" | "ahead" | "invalid" | "too_many" = reason; void known; });
      for (const name of ["payment:completed", "payment:failed"] as const) client.on(name, ({ data }) => data.paymentId.length);
      const options = { userId: "u1", backoff: { min: undefined } };
      void connect(options);
      client.on("anything", (n: Notification<{ mine: true }>) => n.data.mine);
      // @ts-expect-error: orderId is a string
      client.on("order:created", (n) => { const wrong: number = n.data.orderId; void wrong; });
      const hook = () => useEventSource({ userId: "user123", username: "john_doe" }).connected satisfies boolean;
      void hook;
      const sent: Promise<number> = sendPaymentNotification("p1", "completed", { customerId: "u1", amount: 9.99 });
      interface Listen { "chat message": (text: string, ack: (reply: string) => void) => void }
      interface Emit { "chat message": (text: string) => void }
      const io = createHandler<Listen, Emit, { name: string }>("secret of at least 24 bytes");
      io.on("connection", (socket) => {
        socket.on("chat message", async (text, ack) => { socket.to("r").emit("chat message", text); ack("ok"); });
        socket.on("disconnect", (reason) => { io.emit("chat message", socket.data.name + reason); });
        // @ts-expect-error: text is a string
        socket.emit("chat message", 1);
        // @ts-expect-error: no such event
        socket.on("chat massage", () => {});
      });
      createHandler("secret of at least 24 bytes").on("connection", (socket) => {
        socket.on("anything", (one, two) => { socket.emit("more", one, two); });
      });
      // @ts-expect-error: no such status
      void [sent, () => sendPaymentNotification("p1", "lost", {})];
    `,
    );
    const { stdout } = await run(process.execPath, [
      join(modules, "typescript/bin/tsc"),
      "-p",
      home,
    ], { cwd: home }).catch((error) => error);
    expect(stdout).toBe("");
  });
}

test("each entry loads in Node", async () => {
  const script = `
    const names = await Promise.all(["roomcast", "roomcast/react", "roomcast/backend"].map(async (one) => Object.keys(await import(one))));
    console.log(JSON.stringify(names));
  `;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], {
    cwd: home,
  });
  const [core, react, backend] = JSON.parse(stdout);
  expect(core).toEqual(["connect", "live"]);
  expect(react).toContain("useEventSource");
  expect(backend).toEqual(
    expect.arrayContaining(["sendPaymentNotification", "createHandler", "refusal"]),
  );
  expect(await readFile(join(root, "dist/react.js"), "utf8")).toMatch(/^"use client";/);
});
