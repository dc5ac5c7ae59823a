// Brings the tables of keys in docs/plugins/*.md up to date with the plugins' schemas.
//   node tools/plugin-pages.mjs

import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";
import { buildAddon } from "../engine/addon.mjs";

const PAGES = join(import.meta.dirname, "plugin-pages/pages.ts");

/** The sources are TypeScript, and want the engine's functions. */
async function loadPages() {
  globalThis.bautaEngine = { ...createRequire(import.meta.url)(buildAddon()), args: [] };
  const { outputFiles } = await build({
    entryPoints: [PAGES],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    define: { "import.meta.dirname": JSON.stringify(join(PAGES, "..")) },
    logLevel: "error",
  });
  const [{ text }] = outputFiles;
  return await import(`data:text/javascript,${encodeURIComponent(text)}`);
}

const { readPages, currentText } = await loadPages();
for (const page of readPages()) {
  const text = currentText(page);
  if (text === page.text) continue;
  writeFileSync(page.path, text);
  process.stdout.write(`${page.path}\n`);
}
