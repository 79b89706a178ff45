import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    sourcemap: true,
    lib: {
      entry: {
        index: "src/index.ts",
        react: "src/react/index.ts",
        backend: "src/backend/index.ts",
      },
      formats: ["es"],
    },
    rolldownOptions: {
      external: ["react", "react/jsx-runtime"],
      output: {
        // `driver` is src/shared/driver.ts
        chunkFileNames: ({ name }) => name === "driver" ? "shared.js" : "[name].js",
        // A page that does not call `live` does not load it.
        codeSplitting: { groups: [{ name: "live", test: /src\/live\.ts$/ }] },
        minify: true, // otherwise Vite keeps the whitespace of libraries
        comments: false, // annotations for tree shaking, which no top-level code needs
        // Bundlers of server components read the first line. The build does not keep one of the
        // source there.
        banner: ({ name }) => name === "react" ? '"use client";' : "",
      },
    },
  },
});
