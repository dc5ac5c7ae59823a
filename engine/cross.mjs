// Builds for another machine than this one: Debian's cross compiler, and the other machine's musl, which is unpacked and not
// installed. The specs of musl-gcc lead to this machine's musl, so what they say stands here in words.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { unpackOnce } from "../tools/apt.mjs";
import { compileFlags, LINKED, preferredFlavour } from "./toolchain.mjs";

/**
 * How an executable for the machine is built here.
 * @param {import("./machines.mjs").Machine} machine
 * @param {string} cache
 * @returns {Promise<import("./toolchain.mjs").Flavour>}
 */
export async function crossFlavour(machine, cache) {
  const native = await preferredFlavour();
  if (native.name !== "musl") throw new Error("executables for other machines have musl: apt-get install musl-tools");
  const sysroot = sysrootOf(machine, cache);
  const [headers, libraries] = [`usr/include/${machine.musl}`, `usr/lib/${machine.musl}`].map((name) =>
    join(sysroot, name),
  );
  const compiler = `${machine.gnu}-gcc`;
  const packages = `gcc-${machine.gnu.replace("_", "-")}`;
  const own = (/** @type {string} */ name) => `${libraries}/${name}`;
  return {
    name: "musl",
    machine,
    native,
    compiler,
    packages,
    compile: [
      ...compileFlags(machine),
      "-nostdinc",
      "-isystem",
      `${headers}`,
      "-isystem",
      headersOf(compiler, packages),
    ],
    link: [...LINKED, "-nostdlib", own("crt1.o"), own("crti.o")],
    libraries: [`-L${libraries}`, "-lm", "-lpthread", "-lc", "-lgcc", "-lc", own("crtn.o")],
    snapshot: true,
  };
}

/**
 * The directory that has the machine's musl, of the release of Debian that this machine has: a root directory with nothing else.
 * @param {import("./machines.mjs").Machine} machine
 * @param {string} cache
 */
export function sysrootOf(machine, cache) {
  const [, suite] = /^VERSION_CODENAME="?(\w+)"?$/m.exec(readFileSync("/etc/os-release", "utf8")) ?? [];
  if (suite === undefined) throw new Error("/etc/os-release names no release of Debian");
  const directory = join(cache, "sysroot", `${suite}-${machine.debian}`);
  unpackOnce(suite, ["musl-dev"], directory, machine.debian);
  return directory;
}

/**
 * The directory of the headers that the compiler has itself: stdatomic.h, say.
 * @param {string} compiler
 * @param {string} packages
 */
function headersOf(compiler, packages) {
  try {
    return execFileSync(compiler, ["-print-file-name=include"], { encoding: "utf8" }).trim();
  } catch (error) {
    const advice = `as root: apt-get install ${packages}`;
    throw new Error(`the C compiler ${compiler} is not installed; ${advice}`, { cause: error });
  }
}
