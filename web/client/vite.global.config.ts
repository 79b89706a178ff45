// Builds the file for pages without modules and without a bundler: one script, which sets the global
// `roomcast`. It follows vite.config.ts, whose files it keeps.

import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    sourcemap: true,
    emptyOutDir: false,
    lib: {
      entry: "src/index.ts",
      formats: ["iife"],
      name: "roomcast",
      fileName: () => "roomcast.min.js",
    },
    rolldownOptions: { output: { minify: true, comments: false } },
  },
});
