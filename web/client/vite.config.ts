import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    sourcemap: true,
    lib: { entry: { index: "src/index.ts", react: "src/react/index.ts", backend: "src/backend/index.ts" }, formats: ["es"] },
    rolldownOptions: {
      external: ["react", "react/jsx-runtime"],
      output: {
        chunkFileNames: ({ name }) => name === "driver" ? "shared.js" : "[name].js", // of src/shared, loaded on demand
        minify: true, // Vite leaves the whitespace of libraries; the source maps show the code as it was written,
        comments: false, // the annotations for tree shaking, which nothing at the top level needs
        // Bundlers of server components look for it in the first line. In the source it would not be sure to stay there.
        banner: ({ name }) => name === "react" ? '"use client";' : "",
      },
    },
  },
});
