import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    lib: { entry: { index: "src/index.ts", react: "src/react/index.ts", backend: "src/backend/index.ts" }, formats: ["es"] },
    rolldownOptions: {
      external: ["react", "react/jsx-runtime"],
      output: {
        chunkFileNames: "[name].js",
        // Bundlers of server components look for it in the first line. In the source it would not be sure to stay there.
        banner: ({ name }) => name === "react" ? '"use client";' : "",
      },
    },
  },
});
