// From bundles to one executable.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleTypeScript, compileBytecode } from "./bundle.mjs";
import { licenceNotices } from "./licences.mjs";
import { quickjsSource } from "./source.mjs";
import { compileObject, link } from "./toolchain.mjs";

/**
 * @typedef {import("./bundle.mjs").Bundle} Bundle
 * @typedef {import("./toolchain.mjs").Flavour} Flavour
 */

const ENGINE = dirname(fileURLToPath(import.meta.url));
export const ROOT = dirname(ENGINE);
const CACHE = join(ROOT, "build");

/** What bauta uses of QuickJS; its compiler, qjsc, takes two files more. */
const QUICKJS = ["quickjs.c", "dtoa.c", "libregexp.c", "libunicode.c", "cutils.c"];
const COMPILER = ["qjsc.c", "quickjs-libc.c"];
const HOST = ["quickjs.c", "functions.c", "heap.c", "failure.c", "text.c", "linemap.c", "host.c"];

/** -fwrapv as in QuickJS's own Makefile; CONFIG_CC and CONFIG_PREFIX are for a part of qjsc that is not used. */
const QUICKJS_FLAGS = ["-w", "-fwrapv", "-D_GNU_SOURCE", '-DCONFIG_VERSION="2025-04-26"'];
const COMPILER_FLAGS = [...QUICKJS_FLAGS, '-DCONFIG_CC=""', '-DCONFIG_PREFIX=""'];
const HOST_FLAGS = ["-std=gnu17", "-Wall", "-Wextra", "-D_GNU_SOURCE"];

/** The file that a build replaces with the licence notices of what it bundles. */
const NOTICES = "src/cli/notices.ts";

/**
 * Builds an executable of the bundles at `output`; `flags` are for the host's own C files.
 * @param {Flavour} flavour
 * @param {readonly Bundle[]} bundles
 * @param {string} output
 * @param {readonly string[]} [flags]
 */
export async function buildExecutable(flavour, bundles, output, flags = []) {
  const source = quickjsSource(CACHE);
  const hostFlags = [...HOST_FLAGS, "-I", ENGINE, "-isystem", source];
  const compile = (/** @type {string} */ directory, /** @type {string[]} */ files, /** @type {string[]} */ how) =>
    Promise.all(files.map((file) => compileObject(flavour, CACHE, join(directory, file), how)));
  const [engine, compiler, host, bundled] = await Promise.all([
    compile(source, QUICKJS, QUICKJS_FLAGS),
    compile(source, COMPILER, COMPILER_FLAGS),
    compile(ENGINE, HOST, [...hostFlags, ...flags]),
    bundleAll(flavour, source, bundles),
  ]);
  const directory = join(CACHE, `bundles.${process.pid}.${flavour.name}`);
  try {
    const qjsc = join(directory, "qjsc");
    await link(flavour, [...compiler, ...engine], qjsc);
    const files = await Promise.all(bundled.map((one, i) => compileBytecode(qjsc, join(directory, String(i)), i, one)));
    files.push(writeTable(directory, bundles));
    const data = await Promise.all(files.map((file) => compileObject(flavour, CACHE, file, hostFlags)));
    await link(flavour, [...host, ...data, ...engine], output);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Bundles them twice: what the licence notices have to say is known only when it is known what is in all of them.
 * @param {Flavour} flavour
 * @param {string} source
 * @param {readonly Bundle[]} bundles
 */
async function bundleAll(flavour, source, bundles) {
  const bundled = await Promise.all(bundles.map((bundle) => bundleTypeScript(ROOT, bundle)));
  const notices = licenceNotices(
    ROOT,
    source,
    flavour.name,
    bundled.flatMap(({ inputs }) => inputs),
  );
  const replaced = { [NOTICES]: `export const notices = ${JSON.stringify(notices)};` };
  return Promise.all(
    bundles.map((bundle, i) => {
      const first = bundled[i];
      return first === undefined || first.inputs.includes(NOTICES) ? bundleTypeScript(ROOT, bundle, replaced) : first;
    }),
  );
}

/**
 * Writes the table of bundles.h.
 * @param {string} directory
 * @param {readonly Bundle[]} bundles
 */
function writeTable(directory, bundles) {
  const file = join(directory, "table.c");
  const declarations = bundles.map(
    (_, i) =>
      `extern const uint8_t bytecode_${i}[], lines_${i}[]; extern const uint32_t bytecode_${i}_size, lines_${i}_size;\n` +
      `extern const char *const sources_${i}[];`,
  );
  const rows = bundles.map(
    ({ name }, i) =>
      `  {${JSON.stringify(name)}, bytecode_${i}, &bytecode_${i}_size, sources_${i}, lines_${i}, &lines_${i}_size},`,
  );
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    file,
    [
      '#include "bundles.h"',
      ...declarations,
      "const struct bauta_bundle bauta_bundles[] = {",
      ...rows,
      "  {0},", // C has no empty arrays
      "};",
      `const size_t bauta_bundle_count = ${bundles.length};\n`,
    ].join("\n"),
  );
  return file;
}
