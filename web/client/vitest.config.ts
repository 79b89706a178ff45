import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { browserFlags, executable } from "../e2e/browser.mjs";
import { SOON } from "../e2e/wait.mjs";
import * as commands from "./test/commands.ts";

// The installed browser, with the flags of the end-to-end tests.
const browser = (name: string) => ({
  enabled: true,
  headless: true,
  screenshotFailures: false,
  provider: playwright({ launchOptions: { executablePath: executable(), args: browserFlags() } }),
  instances: [{ browser: "chromium" as const, name }],
  commands: { ...commands },
});

// The dependencies of the pages are bundled before the first test. Vite reloads the page when it
// finds one later.
const optimizeDeps = {
  include: [
    "@testing-library/react",
    "react",
    "react/jsx-dev-runtime",
    "react-dom",
    "react-dom/client",
    "react-dom/server",
  ],
};

const react18 = (name: string) =>
  new URL(`../react-18/node_modules/${name}`, import.meta.url).pathname;

export default defineConfig({
  test: {
    fileParallelism: false, // fail-over and bursts depend on the time that the server gets
    testTimeout: 300_000, // for busy machines; the waits in the tests have shorter deadlines
    hookTimeout: 300_000,
    expect: { poll: { timeout: SOON } },
    globalSetup: "./test/build.ts",
    projects: [
      {
        extends: true,
        test: { name: "node", environment: "node", include: ["test/node/**/*.test.ts"] },
      },
      {
        extends: true,
        optimizeDeps,
        test: {
          name: "page",
          include: ["test/browser/**/*.test.ts", "test/react/**/*.test.{ts,tsx}"],
          browser: browser("browser"),
        },
      },
      {
        extends: true,
        resolve: { alias: { react: react18("react"), "react-dom": react18("react-dom") } },
        optimizeDeps,
        test: {
          name: "old",
          include: ["test/react/**/*.test.{ts,tsx}"],
          browser: browser("react-18"),
        },
      },
    ],
  },
});
