// node viewer/build.mjs: builds the page and the program into dist/viewer, which needs Node.js and nothing else.

import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";

const here = import.meta.dirname;
const out = join(here, "../dist/viewer");
/** @type {import("vite").InlineConfig} */
const common = { configFile: false, logLevel: "warn", esbuild: { jsx: "automatic", jsxImportSource: "preact" } };

rmSync(out, { recursive: true, force: true });
await build({
  ...common,
  root: join(here, "page"),
  base: "./",
  build: { outDir: join(out, "page"), emptyOutDir: true, target: "es2022", assetsInlineLimit: 0, modulePreload: false },
});
await build({
  ...common,
  root: here,
  ssr: { noExternal: true },
  build: {
    ssr: join(here, "server/main.ts"),
    outDir: out,
    emptyOutDir: false,
    target: "node20",
    rollupOptions: { output: { entryFileNames: "bauta-viewer.mjs", banner: "#!/usr/bin/env node" } },
  },
});
chmodSync(join(out, "bauta-viewer.mjs"), 0o755);
