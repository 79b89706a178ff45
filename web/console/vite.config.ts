import { defineConfig } from "vite";

// The output is committed and embedded in the binary, so it is the same wherever it is built: names without hashes, and
// not minified, because a change of it should be readable in a diff.
export default defineConfig({
  base: "./", // it is served at / or at /console/, also behind a prefix
  resolve: { alias: { roomcast: new URL("../client/src/index.ts", import.meta.url).pathname } },
  build: {
    target: "es2023",
    outDir: "../assets",
    emptyOutDir: true,
    minify: false,
    cssMinify: false,
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      output: { entryFileNames: "console.js", assetFileNames: "console.[ext]", codeSplitting: false },
    },
  },
});
