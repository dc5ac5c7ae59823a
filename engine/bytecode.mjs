// From a bundle's modules to a C file with their bytecode and the tables of modules.h.

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { encodeLineMap } from "./linemap.mjs";

const execute = promisify(execFile);

/** How qjsc names the array for `bundle-7.js`. */
const arrayOf = (/** @type {number} */ module) => `qjsc_bundle_${module}`;

/**
 * Compiles the modules with `qjsc` in `directory`; returns the path of the C file.
 * @param {string} qjsc
 * @param {string} directory
 * @param {import("./bundle.mjs").Bundle} bundle
 */
export async function compileBytecode(qjsc, directory, bundle) {
  mkdirSync(directory, { recursive: true });
  // Relative names: they are what stack traces show and linemap.c looks for.
  const files = bundle.modules.map((_, i) => `bundle-${i}.js`);
  for (const [i, file] of files.entries()) writeFileSync(join(directory, file), String(bundle.modules[i]?.code));
  await execute(qjsc, ["-c", "-o", "bytecode.c", ...files], { cwd: directory });
  const bytecode = readFileSync(join(directory, "bytecode.c"), "utf8");
  const file = join(directory, "bundle.c");
  writeFileSync(file, `#include "modules.h"\n${bytecode}\n${tables(bundle)}`);
  return file;
}

/**
 * The tables of modules.h. C has no empty arrays: each has one element more than counts.
 * @param {import("./bundle.mjs").Bundle} bundle
 */
function tables({ modules, programs, map }) {
  const text = (/** @type {string} */ value) => JSON.stringify(value);
  const names = modules.flatMap(({ names }, i) => names.map((name) => ({ name, i })));
  names.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  return [
    "const struct bauta_module bauta_modules[] = {",
    ...modules.map((_, i) => `  {${arrayOf(i)}, &${arrayOf(i)}_size},`),
    "  {0},",
    "};",
    `const size_t bauta_module_count = ${modules.length};`,
    "const struct bauta_program bauta_programs[] = {",
    ...[...programs].map(([name, module]) => `  {${text(name)}, ${module}},`),
    "  {0},",
    "};",
    `const size_t bauta_program_count = ${programs.size};`,
    "const struct bauta_name bauta_names[] = {",
    ...names.map(({ name, i }) => `  {${text(name)}, ${i}},`),
    "  {0},",
    "};",
    `const size_t bauta_name_count = ${names.length};`,
    `const char *const bauta_sources[] = {${map.sources.map((source) => `${text(source)}, `).join("")}0};`,
    `const uint8_t bauta_line_map[] = {${encodeLineMap(map.mappings).join(",")}};`,
    "const size_t bauta_line_map_size = sizeof bauta_line_map;\n",
  ].join("\n");
}
