// From TypeScript to the modules that the engine loads one by one: all programs are bundled together, so that a module
// is in the executable once, and taken apart again at the borders of the source files.
//
// Their top-level names, made unique by the bundler, are global variables. A module is loaded when one of its names is
// looked up for the first time (modules.c), which is what makes a plugin of 270 KB start in the time that the part of it
// takes which the call at hand needs. So a module must not rely on being run before it is used: what has effects on
// other modules belongs into a function.

import { resolve } from "node:path";
import { build } from "esbuild";
import { parseAst } from "vite";
import { absentFeatures, LOWERED, MARKED_GLOBALS } from "./absent.mjs";

/**
 * @typedef {object} Program
 * @property {string} name What the executable is called by to run it.
 * @property {string} entry TypeScript, as in a file at the root of the repository.
 *
 * @typedef {object} Module
 * @property {string} source Its file, as a path in the repository.
 * @property {string} code JavaScript, on the same lines as in the bundle.
 * @property {string[]} names The global variables that it defines.
 *
 * @typedef {object} Bundle
 * @property {Module[]} modules
 * @property {Map<string, number>} programs The module that runs each program.
 * @property {{ mappings: string, sources: string[] }} map
 * @property {string[]} inputs The files it was made from.
 */

/** Among these are the globals of the engine. No module may have such a name: the engine's would be found instead. */
const ENGINE_GLOBALS = [...Object.getOwnPropertyNames(globalThis), "InternalError", "bautaHost"].filter(
  (name) => /^[\w$]+$/.test(name) && !(name in MARKED_GLOBALS) && !["module", "exports", "require"].includes(name),
);
/** Files that exist here only: a program's is `program:bridge`. */
const NAMESPACE = "program";
const RESERVATION = `${NAMESPACE}:(reserved names)`;

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
  // The bundler leaves alone the names of globals that are used.
  entries.set(RESERVATION, `[${ENGINE_GLOBALS.join(", ")}];`);
  const result = await build({
    stdin: {
      contents: [...entries.keys()].map((name) => `import ${JSON.stringify(name)};`).join("\n"),
      resolveDir: root,
      sourcefile: "programs",
    },
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    sourcemap: "external",
    outfile: "bundle.js",
    format: "esm",
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
  const modules = splitModules(code, inputs);
  return {
    modules,
    programs: new Map(
      programs.map(({ name }) => [name, modules.findIndex(({ source }) => source === `${NAMESPACE}:${name}`)]),
    ),
    map: JSON.parse(map),
    inputs,
  };
}

/**
 * Files that aren't on disk, or not like that.
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
 * Takes a bundle apart where the bundler names the file that follows.
 * @param {string} code
 * @param {readonly string[]} inputs
 * @returns {Module[]}
 */
export function splitModules(code, inputs) {
  const lines = code.split("\n");
  const borders = lines.flatMap((line, i) => (line.startsWith("// ") && inputs.includes(line.slice(3)) ? [i] : []));
  const starts = borders[0] === 0 ? borders : [-1, ...borders]; // what comes first are the bundler's own functions
  const modules = starts.map((start, i) => {
    const text = lines.slice(start + 1, starts[i + 1]);
    const source = start < 0 ? "esbuild" : String(lines[start]).slice(3);
    return moduleOf(source, start + 1, text.join("\n"));
  });
  return modules.filter(({ source }) => source !== RESERVATION);
}

/**
 * @param {string} source
 * @param {number} line The number of lines before it in the bundle.
 * @param {string} text
 * @returns {Module}
 */
function moduleOf(source, line, text) {
  const absent = source === RESERVATION ? [] : absentFeatures(text);
  if (absent.length > 0) throw new Error(`${source} uses what the engine leaves out: ${absent.join(", ")}`);
  const names = declaredNames(parseAst(text).body);
  const taken = names.find((name) => ENGINE_GLOBALS.includes(name));
  if (taken !== undefined) throw new Error(`${source} has a top-level name that is a global's: ${taken}`);
  if (names.length === 0 && !source.startsWith(`${NAMESPACE}:`) && text.trim() !== "") {
    throw new Error(`${source} would never be loaded: it defines nothing, and only runs something`);
  }
  const directive = '"use strict";'; // on the last line before it, as the line numbers must stay
  return { source, names, code: `${"\n".repeat(Math.max(0, line - 1))}${directive}${line > 0 ? "\n" : ""}${text}` };
}

/**
 * @typedef {ReturnType<typeof parseAst>["body"][number]} Statement
 * @typedef {Extract<Statement, { type: "VariableDeclaration" }>["declarations"][number]["id"]} Pattern
 * @typedef {Extract<Pattern, { type: "ObjectPattern" }>["properties"][number]} PatternProperty
 */

/**
 * The names that statements declare at the top level.
 * @param {readonly Statement[]} statements
 * @returns {string[]}
 */
function declaredNames(statements) {
  return statements.flatMap((statement) => {
    if (statement.type === "FunctionDeclaration" || statement.type === "ClassDeclaration") return [statement.id.name];
    if (statement.type !== "VariableDeclaration") return [];
    return statement.declarations.flatMap(({ id }) => patternNames(id));
  });
}

/**
 * @param {Pattern | PatternProperty | null} pattern
 * @returns {string[]}
 */
function patternNames(pattern) {
  switch (pattern?.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((property) => patternNames(property));
    case "ArrayPattern":
      return pattern.elements.flatMap((element) => patternNames(element));
    case "Property":
      return patternNames(pattern.value);
    case "RestElement":
      return patternNames(pattern.argument);
    case "AssignmentPattern":
      return patternNames(pattern.left);
    default:
      return [];
  }
}
