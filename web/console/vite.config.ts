import { defineConfig } from "vite";

// The output is committed and embedded in the binary. Names have no hashes, so every build is the
// same, and the code is not minified, so a diff shows what changed.
export default defineConfig({
  base: "./", // served at / or /console/, also behind a prefix
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
      output: {
        entryFileNames: "console.js",
        assetFileNames: "console.[ext]",
        codeSplitting: false,
      },
    },
  },
});
