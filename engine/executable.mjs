// From programs to one executable.

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bundlePrograms } from "./bundle.mjs";
import { licenceNotices } from "./licences.mjs";
import { encodeLineMap } from "./linemap.mjs";
import { commandOn } from "./machines.mjs";
import { patchedEngine } from "./patch.mjs";
import { quickjsSource } from "./source.mjs";
import { compileObject, link } from "./toolchain.mjs";
import { freedOn, trainOnce } from "./training.mjs";

/**
 * @typedef {import("./bundle.mjs").Program} Program
 * @typedef {import("./toolchain.mjs").Flavour} Flavour
 *
 * @typedef {object} Training
 * @property {(notes: string) => void} trained Gets the path of the notes that the heap is laid out by.
 * @property {(problem: string) => void} untrained Gets the reason where it cannot be.
 */

const ENGINE = dirname(fileURLToPath(import.meta.url));
export const ROOT = dirname(ENGINE);
/** What is kept from one build to the next. */
export const CACHE = join(ROOT, "build");

const execute = promisify(execFile);

/** What bauta uses of QuickJS beside the engine itself; its compiler, qjsc, takes two files more. */
const QUICKJS = ["dtoa.c", "libregexp.c", "libunicode.c", "cutils.c"];
const COMPILER = ["qjsc.c", "quickjs-libc.c"];
const OWN = [
  "quickjs.c",
  "snapshot.c",
  "functions.c",
  "heap.c",
  "failure.c",
  "text.c",
  "linemap.c",
  "host.c",
  "sha512.c",
  "attributes.c",
];

/** A failed assertion of QuickJS names its file: as if all were in the same directories everywhere. */
const samePaths = (/** @type {string} */ source) => [
  `-ffile-prefix-map=${ROOT}=.`,
  `-ffile-prefix-map=${source}=quickjs`, // of two that fit the last one counts
];
/** -fwrapv as in QuickJS's own Makefile; CONFIG_CC and CONFIG_PREFIX are for a part of qjsc that is not used. */
const QUICKJS_FLAGS = ["-w", "-fwrapv", "-D_GNU_SOURCE", '-DCONFIG_VERSION="2025-04-26"'];
const COMPILER_FLAGS = [...QUICKJS_FLAGS, '-DCONFIG_CC=""', '-DCONFIG_PREFIX=""'];
const OWN_FLAGS = ["-std=gnu17", "-Wall", "-Wextra", "-D_GNU_SOURCE"];

/** The file that a build replaces with the licence notices of what it bundles. */
const NOTICES = "src/cli/notices.ts";

/**
 * Builds an executable of the programs at `output`; `flags` are for bauta's own C files.
 * @param {Flavour} flavour
 * @param {readonly Program[]} programs
 * @param {string} output
 * @param {readonly string[]} [flags]
 * @param {Training} [training] Where the heap is to be laid out by use (training.h).
 */
export async function buildExecutable(flavour, programs, output, flags = [], training = undefined) {
  const source = quickjsSource(CACHE);
  const paths = samePaths(source);
  const ownFlags = [...paths, ...OWN_FLAGS, "-I", ENGINE, "-isystem", source];
  const directory = join(CACHE, `bundle.${process.pid}.${flavour.name}-${flavour.machine.node}`);
  mkdirSync(directory, { recursive: true });
  // What the build itself runs is for this machine. Bytecode is the same on both, and so are the blocks of the heap.
  const native = flavour.native ?? flavour;
  const compile = (
    /** @type {Flavour} */ how,
    /** @type {string} */ from,
    /** @type {string[]} */ files,
    /** @type {string[]} */ options,
  ) => Promise.all(files.map((file) => compileObject(how, CACHE, join(from, file), options)));
  const patched = patchedEngine(source, join(CACHE, "patched"));
  const compileEngine = async (/** @type {Flavour} */ how) => [
    await compileObject(how, CACHE, patched, [...paths, ...QUICKJS_FLAGS, "-isystem", source]),
    ...(await compile(how, source, QUICKJS, [...paths, ...QUICKJS_FLAGS])),
  ];
  const compileOnce = (/** @type {Flavour} */ how, /** @type {string} */ file, /** @type {string[]} */ macros) =>
    compileObject(how, directory, file, [...ownFlags, ...macros]);
  const image = (/** @type {Flavour} */ how, /** @type {string[]} */ ...macros) =>
    compileOnce(how, join(ENGINE, "image.c"), macros);
  try {
    const [engine, compiler, own, bundle] = await Promise.all([
      compileEngine(flavour),
      compile(native, source, COMPILER, [...paths, ...COMPILER_FLAGS]),
      compile(flavour, ENGINE, OWN, [...ownFlags, ...flags]),
      bundleWithNotices(flavour, source, programs),
    ]);
    const nativeEngine = native === flavour ? engine : await compileEngine(native);
    const qjsc = join(directory, "qjsc");
    await link(dynamic(native), [...compiler, ...nativeEngine], qjsc);
    const tables = writeTables(directory, bundle);
    const rest = [await compileOnce(flavour, tables, []), ...engine];
    const code = `-DBAUTA_BYTECODE="${await compileBytecode(qjsc, directory, bundle)}"`;
    if (!flavour.snapshot) return await link(flavour, [...own, ...rest, await image(flavour, code)], output);
    /** @type {string[]} */
    let uses = [];
    if (training !== undefined) {
      const linkTrainer = async (/** @type {Flavour} */ how, /** @type {string[]} */ quickjs) => {
        const trained = await compile(how, ENGINE, [...OWN, "training.c"], [...ownFlags, ...flags, "-DBAUTA_TRAINING"]);
        const behind = [await compileOnce(how, tables, []), ...quickjs, await image(how, code)];
        const trainer = join(directory, `trainer-${how.machine.node}`);
        await link(how, [...trained, ...behind], trainer);
        return trainer;
      };
      const trainer = await linkTrainer(native, nativeEngine);
      const other = native === flavour ? undefined : await freedOn(flavour.machine, await linkTrainer(flavour, engine));
      uses = await useMacros(trainer, directory, training, other).catch((error) => {
        training.untrained(error.message);
        return [];
      });
    }
    const first = join(directory, "snapshot");
    await link(fixed(flavour), [...own, ...rest, await image(flavour, code, ...uses)], first);
    const arena = await takeSnapshot(flavour, first);
    return await link(fixed(flavour), [...own, ...rest, await image(flavour, `-DBAUTA_ARENA="${arena}"`)], output);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * For a program that only the build runs.
 * @param {Flavour} flavour
 * @returns {Flavour}
 */
function dynamic(flavour) {
  return { ...flavour, link: flavour.link.map((flag) => (flag === "-static" ? "-no-pie" : flag)) };
}

/**
 * With the arena where image.ld has it.
 * @param {Flavour} flavour
 * @returns {Flavour}
 */
function fixed(flavour) {
  return { ...flavour, link: [...flavour.link, `-Wl,-T,${join(ENGINE, "image.ld")}`] };
}

/**
 * Trains, and returns the macros that give image.c the result.
 * @param {string} trainer
 * @param {string} directory
 * @param {Training} training
 * @param {Uint8Array} [freed] The notes of freedOn, where the executable is for another machine.
 */
async function useMacros(trainer, directory, { trained }, freed) {
  const { notes, uses, writtenBytes, readBytes } = await trainOnce(trainer, directory, join(CACHE, "training"), freed);
  trained(notes);
  const file = join(directory, "uses");
  writeFileSync(file, uses);
  const bytes = [`-DBAUTA_WRITTEN_BYTES="${writtenBytes}"`, `-DBAUTA_READ_BYTES="${readBytes}"`];
  return [`-DBAUTA_USES="${file}"`, ...bytes];
}

/**
 * Compiles the bundle with `qjsc` in `directory`; returns the path of the bytecode.
 * @param {string} qjsc
 * @param {string} directory
 * @param {import("./bundle.mjs").Bundle} bundle
 */
async function compileBytecode(qjsc, directory, bundle) {
  // A relative name: it is what stack traces show and linemap.c looks for.
  writeFileSync(join(directory, "bundle.js"), bundle.code);
  await execute(qjsc, ["-c", "-o", "bytecode.c", "bundle.js"], { cwd: directory });
  const text = readFileSync(join(directory, "bytecode.c"), "utf8");
  const file = join(directory, "bytecode");
  writeFileSync(file, Uint8Array.from(text.match(/0x[\da-f]{2}(?=,)/g) ?? [], Number));
  return file;
}

/**
 * Has the executable run the bundle; returns the path of what its heap is then.
 * @param {Flavour} flavour
 * @param {string} executable
 */
async function takeSnapshot({ machine }, executable) {
  const file = `${executable}.arena`;
  const [program, args] = commandOn(machine, executable, []);
  const { stdout } = await execute(program, args, { encoding: "buffer", maxBuffer: 1 << 25 }).catch((error) => {
    if (error.code === "ENOENT")
      throw new Error(`${program} is not installed; as root: apt-get install qemu-user`, { cause: error });
    throw new Error(`the bundle's module-level code failed: ${error.stdout}`, { cause: error });
  });
  writeFileSync(file, stdout);
  return file;
}

/**
 * Writes the tables of image.h; returns the path of the C file.
 * @param {string} directory
 * @param {import("./bundle.mjs").Bundle} bundle
 */
function writeTables(directory, { map }) {
  const file = join(directory, "tables.c");
  const sources = map.sources.map((source) => `${JSON.stringify(source)}, `).join("");
  const lines = [
    '#include "image.h"',
    `const char *const bauta_sources[] = {${sources}0};`,
    `const uint8_t bauta_line_map[] = {${encodeLineMap(map.mappings).join(",")}};`,
    "const size_t bauta_line_map_size = sizeof bauta_line_map;\n",
  ];
  writeFileSync(file, lines.join("\n"));
  return file;
}

/**
 * Bundles twice: the licence notices depend on the files that the first bundle turned out to contain.
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
