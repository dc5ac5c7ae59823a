// Bundles test files: each becomes one file, which Node.js runs without this repository and without node_modules.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { build } from "esbuild";

export const ROOT = join(import.meta.dirname, "../..");
/** The directory of a guest that stands for the root of this repository. */
export const GUEST_ROOT = "/bauta";

const RUNNER = join(import.meta.dirname, "guest/run-tests.ts");
const VITEST = dirname(createRequire(import.meta.url).resolve("vitest/package.json"));

/**
 * Bundles each entry, a test file with a runner for its tests.
 * @param {readonly import("./entries.mjs").ChosenEntry[]} entries
 * @returns {Promise<{ file: string, text: string }[]>}
 */
export async function bundle(entries) {
  return await Promise.all(entries.map(async (entry) => ({ file: entry.file, text: await bundleOne(entry) })));
}

/** @param {import("./entries.mjs").ChosenEntry} entry */
async function bundleOne({ file, pattern }) {
  const path = JSON.stringify(join(ROOT, file));
  const contents = file.endsWith(".test.ts")
    ? `import { runTests } from ${JSON.stringify(RUNNER)};
       await runTests(${JSON.stringify(file)}, ${JSON.stringify(pattern ?? null)}, () => import(${path}));`
    : `import ${path};`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT, sourcefile: "entry.mjs" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20",
    keepNames: true,
    logLevel: "error",
    // A bundled module may be CommonJS, which calls require().
    banner: { js: 'import { createRequire as requireHere } from "node:module"; const require = requireHere("/");' },
    plugins: [vitestParts, ownLocations],
  });
  return outputFiles.map(({ text }) => text).join("");
}

/** The runner is one of the packages that vitest is made of. This finds the copy that vitest itself uses. */
const vitestParts = {
  name: "vitest-parts",
  /** @param {import("esbuild").PluginBuild} build */
  setup: ({ onResolve, resolve }) => {
    onResolve({ filter: /^@vitest\/runner$/ }, ({ path, resolveDir, kind }) =>
      resolveDir === dirname(RUNNER) ? resolve(path, { resolveDir: VITEST, kind }) : undefined,
    );
  },
};

/** Our files find other files by import.meta.url, which in a bundle would be the bundle's: each file keeps its own. */
const ownLocations = {
  name: "own-locations",
  /** @param {import("esbuild").PluginBuild} build */
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/(test|src)\/.*\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      if (!text.includes("import.meta.url") || path.includes("node_modules")) return undefined;
      const url = JSON.stringify(`file://${join(GUEST_ROOT, relative(ROOT, path))}`);
      return { contents: text.replaceAll("import.meta.url", url), loader: "ts", resolveDir: dirname(path) };
    });
  },
};
