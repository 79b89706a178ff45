import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { browserFlags, executable } from "../e2e/browser.mjs";
import { SOON } from "../e2e/wait.mjs";
import * as commands from "./test/commands.ts";

// A browser of the machine's own, with the flags of the end-to-end tests.
const browser = (name: string) => ({
  enabled: true,
  headless: true,
  screenshotFailures: false,
  provider: playwright({ launchOptions: { executablePath: executable(), args: browserFlags() } }),
  instances: [{ browser: "chromium" as const, name }],
  commands: { ...commands },
});

// What the pages import is bundled before the first test; found in the middle of one, it would reload the page.
const optimizeDeps = { include: ["@testing-library/react", "react", "react/jsx-dev-runtime", "react-dom", "react-dom/client", "react-dom/server"] };

const react18 = (name: string) => new URL(`../react-18/node_modules/${name}`, import.meta.url).pathname;

export default defineConfig({
  test: {
    fileParallelism: false, // fail-over and bursts are a matter of the server's time, not of a neighbour's
    testTimeout: 300_000, // for a machine that is busy with something else; what a test waits for has a shorter deadline
    hookTimeout: 300_000,
    expect: { poll: { timeout: SOON } },
    globalSetup: "./test/build.ts",
    projects: [
      { extends: true, test: { name: "node", environment: "node", include: ["test/node/**/*.test.ts"] } },
      {
        extends: true,
        optimizeDeps,
        test: { name: "page", include: ["test/browser/**/*.test.ts", "test/react/**/*.test.{ts,tsx}"], browser: browser("browser") },
      },
      {
        extends: true,
        resolve: { alias: { react: react18("react"), "react-dom": react18("react-dom") } },
        optimizeDeps,
        test: { name: "old", include: ["test/react/**/*.test.{ts,tsx}"], browser: browser("react-18") },
      },
    ],
  },
});
