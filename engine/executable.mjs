// From programs to one executable.

import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundlePrograms } from "./bundle.mjs";
import { compileBytecode } from "./bytecode.mjs";
import { licenceNotices } from "./licences.mjs";
import { quickjsSource } from "./source.mjs";
import { compileObject, link } from "./toolchain.mjs";

/**
 * @typedef {import("./bundle.mjs").Program} Program
 * @typedef {import("./toolchain.mjs").Flavour} Flavour
 */

const ENGINE = dirname(fileURLToPath(import.meta.url));
export const ROOT = dirname(ENGINE);
const CACHE = join(ROOT, "build");

/** What bauta uses of QuickJS; its compiler, qjsc, takes two files more. */
const QUICKJS = ["quickjs.c", "dtoa.c", "libregexp.c", "libunicode.c", "cutils.c"];
const COMPILER = ["qjsc.c", "quickjs-libc.c"];
const HOST = ["quickjs.c", "modules.c", "functions.c", "heap.c", "failure.c", "text.c", "linemap.c", "host.c"];

/** -fwrapv as in QuickJS's own Makefile; CONFIG_CC and CONFIG_PREFIX are for a part of qjsc that is not used. */
const QUICKJS_FLAGS = ["-w", "-fwrapv", "-D_GNU_SOURCE", '-DCONFIG_VERSION="2025-04-26"'];
const COMPILER_FLAGS = [...QUICKJS_FLAGS, '-DCONFIG_CC=""', '-DCONFIG_PREFIX=""'];
const HOST_FLAGS = ["-std=gnu17", "-Wall", "-Wextra", "-D_GNU_SOURCE"];

/** The file that a build replaces with the licence notices of what it bundles. */
const NOTICES = "src/cli/notices.ts";

/**
 * Builds an executable of the programs at `output`; `flags` are for the host's own C files.
 * @param {Flavour} flavour
 * @param {readonly Program[]} programs
 * @param {string} output
 * @param {readonly string[]} [flags]
 */
export async function buildExecutable(flavour, programs, output, flags = []) {
  const source = quickjsSource(CACHE);
  const hostFlags = [...HOST_FLAGS, "-I", ENGINE, "-isystem", source];
  const compile = (/** @type {string} */ directory, /** @type {string[]} */ files, /** @type {string[]} */ how) =>
    Promise.all(files.map((file) => compileObject(flavour, CACHE, join(directory, file), how)));
  const [engine, compiler, host, bundle] = await Promise.all([
    compile(source, QUICKJS, QUICKJS_FLAGS),
    compile(source, COMPILER, COMPILER_FLAGS),
    compile(ENGINE, HOST, [...hostFlags, ...flags]),
    bundleWithNotices(flavour, source, programs),
  ]);
  const directory = join(CACHE, `bundle.${process.pid}.${flavour.name}`);
  try {
    const qjsc = join(directory, "qjsc");
    await link(
      { ...flavour, link: flavour.link.map((flag) => (flag === "-static" ? "-no-pie" : flag)) },
      [...compiler, ...engine],
      qjsc,
    );
    const data = await compileObject(flavour, CACHE, await compileBytecode(qjsc, directory, bundle), hostFlags);
    await link(flavour, [...host, data, ...engine], output);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Bundles twice: what the licence notices have to say is known only when it is known what is in the bundle.
 * @param {Flavour} flavour
 * @param {string} source
 * @param {readonly Program[]} programs
 */
async function bundleWithNotices(flavour, source, programs) {
  const first = await bundlePrograms(ROOT, programs);
  if (!first.inputs.includes(NOTICES)) return first;
  const notices = licenceNotices(ROOT, source, flavour.name, first.inputs);
  return bundlePrograms(ROOT, programs, { [NOTICES]: `export const notices = ${JSON.stringify(notices)};` });
}
