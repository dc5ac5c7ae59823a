// The C compiler, its flags, and the objects that it has compiled already.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { OWN_MACHINE } from "./machines.mjs";

/**
 * How an executable is compiled and linked.
 * @typedef {object} Flavour
 * @property {string} name The C library's, or "sanitized".
 * @property {import("./machines.mjs").Machine} machine What it runs on.
 * @property {Flavour} [native] The same for this machine, where the executable is for another one.
 * @property {string} compiler
 * @property {string} packages The Debian packages that bring the compiler.
 * @property {readonly string[]} compile
 * @property {readonly string[]} link In front of the objects.
 * @property {readonly string[]} libraries Behind them.
 * @property {boolean} snapshot Whether the executable begins with a heap made ready (snapshot.h).
 */

/** A bridge ADD takes 21.9 million instructions with -O2 and 20.3 with -O3; link-time optimisation saves none. */
const OPTIMISED = "-O3";
/** What is not used is left out, and so is what only C++ and debuggers would unwind the stack by (58 KB). */
const SECTIONS = ["-ffunction-sections", "-fdata-sections", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"];
/** Makes a mistake in C harder to exploit. */
const HARDENED = ["-fstack-protector-strong", "-fstack-clash-protection", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"];
/**
 * separate-code, the default on x86-64, has the code begin on a page of its own: it does not move where the headers in front of it
 * tell of one section less (snapshot.h).
 */
export const LINKED = ["-static", "-s", "-Wl,--gc-sections", "-Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code"];

/**
 * How C is compiled for the machine.
 * @param {import("./machines.mjs").Machine} machine
 */
export function compileFlags({ hardening }) {
  return [OPTIMISED, ...SECTIONS, ...HARDENED, hardening];
}

const LIBRARIES = ["-lm", "-lpthread"];

/** For this machine. @type {Readonly<Record<"glibc" | "musl" | "sanitized", Flavour>>} */
export const FLAVOURS = {
  glibc: {
    name: "glibc",
    machine: OWN_MACHINE,
    compiler: process.env["CC"] ?? "gcc",
    packages: "gcc libc6-dev",
    compile: compileFlags(OWN_MACHINE),
    link: LINKED,
    libraries: LIBRARIES,
    snapshot: true,
  },
  musl: {
    name: "musl",
    machine: OWN_MACHINE,
    compiler: process.env["MUSL_CC"] ?? "musl-gcc",
    packages: "gcc libc6-dev musl-tools",
    compile: compileFlags(OWN_MACHINE),
    link: LINKED,
    libraries: LIBRARIES,
    snapshot: true,
  },
  // For the tests: memory and arithmetic checked while they run, on the C library's own allocator, which the
  // sanitizer watches.
  sanitized: {
    name: "sanitized",
    machine: OWN_MACHINE,
    compiler: process.env["CC"] ?? "gcc",
    packages: "gcc libc6-dev",
    compile: ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address", "-DBAUTA_SYSTEM_MALLOC"],
    link: ["-fsanitize=address,undefined", "-g"],
    libraries: LIBRARIES,
    snapshot: false,
  },
};

/** The C library that executables are linked with by default: the start of musl costs a quarter of glibc's. */
export async function preferredFlavour() {
  try {
    await version(FLAVOURS.musl);
    return FLAVOURS.musl;
  } catch {
    return FLAVOURS.glibc;
  }
}

const execute = promisify(execFile);

/** @type {Map<string, Promise<string>>} */
const versions = new Map();

/**
 * The compiler's name and version, by its own word: a part of the identity of an object file.
 * @param {Flavour} flavour
 */
function version(flavour) {
  const known = versions.get(flavour.compiler);
  if (known !== undefined) return known;
  const asked = compiler(flavour, ["--version"]);
  versions.set(flavour.compiler, asked);
  return asked;
}

/**
 * Runs the compiler; returns what it printed on standard output.
 * @param {Flavour} flavour
 * @param {readonly string[]} args
 */
async function compiler(flavour, args) {
  try {
    const { stdout, stderr } = await execute(flavour.compiler, args);
    process.stderr.write(stderr);
    return stdout;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const advice = `as root: apt-get install ${flavour.packages}`;
    if ("code" in error && error.code === "ENOENT") {
      throw new Error(`the C compiler ${flavour.compiler} is not installed; ${advice}`, { cause: error });
    }
    throw new Error(`${error.message}\n(if a header or library is missing, ${advice})`, { cause: error });
  }
}

/** How many more compilers may run now. */
let free = availableParallelism();
/** @type {(() => void)[]} */
const waiting = [];

/**
 * Runs no more at once than the machine has processors.
 * @template T
 * @param {() => Promise<T>} work
 */
async function inTurn(work) {
  while (free === 0) await new Promise((resolve) => waiting.push(() => resolve(undefined)));
  free -= 1;
  try {
    return await work();
  } finally {
    free += 1;
    waiting.shift()?.();
  }
}

/**
 * Compiles one C file, unless `cache` has the result for exactly this source, these headers, flags and compiler. Returns
 * the object file's path.
 * @param {Flavour} flavour
 * @param {string} cache
 * @param {string} source
 * @param {readonly string[]} flags
 * @returns {Promise<string>}
 */
export async function compileObject(flavour, cache, source, flags) {
  const hash = createHash("sha256").update(JSON.stringify([await version(flavour), flavour.compile, flags]));
  for (const file of [source, ...headersNear(source, flags)]) hash.update(readFileSync(file));
  const name = `${basename(source, ".c")}-${hash.digest("hex").slice(0, 20)}.o`;
  const object = join(cache, flavour.name, name);
  if (existsSync(object)) return object;
  mkdirSync(dirname(object), { recursive: true });
  const unfinished = `${object}.${process.pid}`;
  await inTurn(() => compiler(flavour, [...flavour.compile, ...flags, "-c", source, "-o", unfinished]));
  renameSync(unfinished, object);
  return object;
}

/**
 * Every header that the source could include, the C library's aside.
 * @param {string} source
 * @param {readonly string[]} flags
 */
function headersNear(source, flags) {
  const included = flags.filter((_, i) => flags[i - 1] === "-I" || flags[i - 1] === "-isystem");
  return [dirname(source), ...included].flatMap((directory) => {
    const headers = readdirSync(directory).filter((name) => name.endsWith(".h"));
    return headers.sort().map((name) => join(directory, name));
  });
}

/**
 * Links objects into an executable, which takes its place at `output` in one step.
 * @param {Flavour} flavour
 * @param {readonly string[]} objects
 * @param {string} output
 */
export async function link(flavour, objects, output) {
  const unfinished = `${output}.${process.pid}`;
  mkdirSync(dirname(output), { recursive: true });
  try {
    await compiler(flavour, [...flavour.link, ...objects, ...flavour.libraries, "-o", unfinished]);
    renameSync(unfinished, output);
  } finally {
    rmSync(unfinished, { force: true });
  }
}
