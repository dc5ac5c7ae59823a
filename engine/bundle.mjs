// One plugin: from TypeScript to a C file with its bytecode and its line map.

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { absentFeatures, LOWERED, MARKED_GLOBALS } from "./absent.mjs";
import { encodeLineMap } from "./linemap.mjs";

/**
 * @typedef {object} Bundle
 * @property {string} name What the executable is called by to run it.
 * @property {string} entry TypeScript, as in a file at the root of the repository.
 */

const execute = promisify(execFile);

/**
 * Bundles one plugin. `replaced` gives files other contents than they have on disk.
 * @param {string} root
 * @param {Bundle} bundle
 * @param {Readonly<Record<string, string>>} [replaced]
 */
export async function bundleTypeScript(root, bundle, replaced = {}) {
  const contents = new Map(Object.entries(replaced).map(([path, text]) => [resolve(root, path), text]));
  const result = await build({
    stdin: { contents: bundle.entry, resolveDir: root, sourcefile: "engine/bundles.mjs", loader: "ts" },
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    sourcemap: "external",
    outfile: "bundle.js",
    // A script rather than a function around everything: QuickJS would search that function's variables one by one for
    // each variable that each closure captures. 88 KB took 0.26 ms to evaluate so, and 0.10 ms as a script.
    format: "esm",
    banner: { js: '"use strict";' },
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2023",
    define: MARKED_GLOBALS,
    supported: LOWERED,
    // Not minified: it would save a tenth of the bytes and next to no time, and put statements of many lines on one.
    logLevel: "silent",
    plugins: [
      {
        name: "replaced",
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const text = contents.get(path);
            return text === undefined ? undefined : { contents: text, loader: "ts" };
          });
        },
      },
    ],
  });
  const [map, code] = result.outputFiles.sort((a, b) => b.path.length - a.path.length).map((file) => file.text);
  if (map === undefined || code === undefined) throw new Error(`esbuild made nothing of ${bundle.name}`);
  const absent = absentFeatures(code);
  if (absent.length > 0) throw new Error(`${bundle.name} uses what the engine leaves out: ${absent.join(", ")}`);
  return { code, map: JSON.parse(map), inputs: Object.keys(result.metafile.inputs) };
}

/**
 * Compiles a bundle to bytecode; returns the path of a C file that defines `bytecode_N`, `sources_N` and `lines_N`.
 * @param {string} qjsc
 * @param {string} directory
 * @param {number} index
 * @param {{ code: string, map: { mappings: string, sources: string[] } }} bundled
 */
export async function compileBytecode(qjsc, directory, index, { code, map }) {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "bundle.js"), code);
  // Relative names: they are what stack traces show.
  await execute(qjsc, ["-c", "-N", `bytecode_${index}`, "-o", "bytecode.c", "bundle.js"], { cwd: directory });
  const file = join(directory, "bundle.c");
  writeFileSync(
    file,
    [
      readFileSync(join(directory, "bytecode.c"), "utf8"),
      `const char *const sources_${index}[] = {${map.sources.map((source) => JSON.stringify(source)).join(", ")}};`,
      `const uint8_t lines_${index}[] = {${encodeLineMap(map.mappings).join(",")}};`,
      `const uint32_t lines_${index}_size = sizeof lines_${index};\n`,
    ].join("\n"),
  );
  return file;
}
