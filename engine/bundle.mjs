// From TypeScript to the one script that the engine runs when the executable is built: all programs together, each as a
// function that is called later. The script's top-level names are variables of a function around it, which is how the
// engine finds them fastest.

import { resolve } from "node:path";
import { build } from "esbuild";
import { absentFeatures, LOWERED, MARKED_GLOBALS } from "./absent.mjs";

/**
 * @typedef {object} Program
 * @property {string} name What the executable is called by to run it.
 * @property {string} entry TypeScript, as in a file at the root of the repository, that exports a function `main`.
 *
 * @typedef {object} Bundle
 * @property {string} code JavaScript. It leaves a function in the global `bautaProgram`: from the name that the executable is
 *   called by to the program, which is `bauta` under a name that is no other program's; undefined where there is none.
 * @property {{ mappings: string, sources: string[] }} map
 * @property {string[]} inputs The files it was made from.
 */

/** The namespace of files that exist only here: the file of a program is `program:bridge`. */
const NAMESPACE = "program";

/**
 * Bundles the programs. `replaced` gives files other contents than they have on disk.
 * @param {string} root
 * @param {readonly Program[]} programs
 * @param {Readonly<Record<string, string>>} [replaced]
 * @returns {Promise<Bundle>}
 */
export async function bundlePrograms(root, programs, replaced = {}) {
  const contents = new Map(Object.entries(replaced).map(([path, text]) => [resolve(root, path), text]));
  const entries = new Map(programs.map(({ name, entry }) => [`${NAMESPACE}:${name}`, entry]));
  const result = await build({
    stdin: { contents: tableOf([...entries.keys()]), resolveDir: root, sourcefile: "programs" },
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    sourcemap: "external",
    outfile: "bundle.js",
    format: "iife",
    banner: { js: '"use strict";' },
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2023",
    // Not minified: it would save a tenth of the bytes and next to no time, and put statements of many lines on one.
    define: MARKED_GLOBALS,
    supported: LOWERED,
    logLevel: "silent",
    plugins: [virtualFiles(root, entries, contents)],
  });
  const [map, code] = result.outputFiles.sort((a, b) => b.path.length - a.path.length).map((file) => file.text);
  if (map === undefined || code === undefined) throw new Error("esbuild made nothing");
  const inputs = Object.keys(result.metafile.inputs);
  refuseAbsent(code, inputs);
  return { code, map: JSON.parse(map), inputs };
}

/**
 * The module that leaves behind the function which finds a program. No name is inherited.
 * @param {readonly string[]} paths
 */
function tableOf(paths) {
  const imports = paths.map((path, i) => `import { main as main${i} } from ${JSON.stringify(path)};`);
  const rows = paths.map((path, i) => `${JSON.stringify(path.slice(NAMESPACE.length + 1))}: main${i}`);
  return `${imports.join("\n")}
import { servedName } from "./src/cni/served-name.ts";
const programs = { __proto__: null, ${rows.join(", ")} };
globalThis.bautaProgram = (called) => programs[servedName(called, (name) => name in programs) ?? "bauta"];`;
}

/**
 * Serves the files that are not on disk, or that have other contents there.
 * @param {string} root
 * @param {ReadonlyMap<string, string>} entries
 * @param {ReadonlyMap<string, string>} contents
 * @returns {import("esbuild").Plugin}
 */
function virtualFiles(root, entries, contents) {
  return {
    name: "virtual files",
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /.*/ }, ({ path }) =>
        entries.has(path) ? { path: path.slice(NAMESPACE.length + 1), namespace: NAMESPACE } : undefined,
      );
      onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ path }) => ({
        contents: entries.get(`${NAMESPACE}:${path}`) ?? "",
        loader: "ts",
        resolveDir: root,
      }));
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const text = contents.get(path);
        return text === undefined ? undefined : { contents: text, loader: "ts" };
      });
    },
  };
}

/**
 * Throws where a file uses a feature that the engine lacks. The bundler names each file in a comment before the file's code.
 * @param {string} code
 * @param {readonly string[]} inputs
 */
function refuseAbsent(code, inputs) {
  const lines = code.split("\n");
  const borders = lines.flatMap((line, i) => (inputs.includes(line.trim().replace(/^\/\/ /, "")) ? [i] : []));
  for (const [i, start] of borders.entries()) {
    const absent = absentFeatures(lines.slice(start + 1, borders[i + 1]).join("\n"));
    if (absent.length === 0) continue;
    throw new Error(`${lines[start]?.trim().slice(3)} uses what the engine leaves out: ${absent.join(", ")}`);
  }
}
