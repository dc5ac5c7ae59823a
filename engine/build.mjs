// npm run build: the executable, and the directory of plugins.

import { copyFileSync, linkSync, mkdirSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { BUNDLES } from "./bundles.mjs";
import { crossFlavour } from "./cross.mjs";
import { buildExecutable, CACHE, ROOT } from "./executable.mjs";
import { MACHINES, OWN_MACHINE } from "./machines.mjs";
import { FLAVOURS, preferredFlavour } from "./toolchain.mjs";

const HELP = `Usage: npm run build [-- --libc glibc|musl] [-- --machine x64|arm64]

Builds dist/bauta, a static executable with all plugins, and dist/cni/, the same file under each plugin's name.
dist/bauta.training/ has what the build has found out by running it. With that file in build/training/ another build of the
same sources, by the same tools, makes the same executable: docs/packages.md.

  --libc musl    links musl and leaves dist/bauta-musl only
  --libc glibc   links the GNU C library and leaves dist/bauta-glibc only
                 (without --libc: musl where musl-gcc is installed, glibc elsewhere)
  --machine arm64
                 for another machine than this one, with musl, and leaves dist/bauta-arm64 only. Needs Debian's cross
                 compiler (gcc-aarch64-linux-gnu) and qemu-user; the other machine's musl comes through apt, into build/
  --help         this text

Environment:
  BAUTA_QUICKJS  QuickJS 2025-04-26: its tarball (checked) or its unpacked directory. Without it the build has apt
                 download Debian's source package, once, into build/; nothing is installed.
  CC, MUSL_CC    the C compilers, gcc and musl-gcc by default

Needs: gcc, libc6-dev, xz-utils; musl-tools for musl. What has been compiled is kept in build/.
`;

try {
  await main();
} catch (error) {
  process.stderr.write(`bauta: build failed: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

async function main() {
  const { values } = parseArgs({
    options: { libc: { type: "string" }, machine: { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const { flavour, name } = await flavourOf(values.libc, values.machine);
  const output = join(ROOT, "dist", name);
  const notes = emptyDirectory(`${output}.training`);
  await buildExecutable(flavour, BUNDLES, output, [], {
    trained: (file) => copyFileSync(file, join(notes, basename(file))),
    untrained: (problem) =>
      process.stderr.write(`the heap is not laid out by use, which costs 0.5 ms a call: ${problem}\n`),
  });
  if (name === "bauta") linkPlugins(output);
  const size = (statSync(output).size / 1e6).toFixed(2);
  process.stdout.write(`${output}: ${size} MB, static (${flavour.name}), ${BUNDLES.length} programs\n`);
}

/**
 * What the command line asks for, and how the executable is called then.
 * @param {string | undefined} libc
 * @param {string | undefined} machine
 */
async function flavourOf(libc, machine) {
  if (libc !== undefined && libc !== "glibc" && libc !== "musl")
    throw new Error(`--libc is glibc or musl, not ${libc}`);
  if (machine !== undefined && machine !== "x64" && machine !== "arm64")
    throw new Error(`--machine is x64 or arm64, not ${machine}`);
  const other = machine === undefined ? OWN_MACHINE : MACHINES[machine];
  if (other !== OWN_MACHINE && libc === "glibc") throw new Error("executables for other machines have musl");
  if (other !== OWN_MACHINE) return { flavour: await crossFlavour(other, CACHE), name: `bauta-${other.node}` };
  if (libc !== undefined) return { flavour: FLAVOURS[libc], name: `bauta-${libc}` };
  return { flavour: await preferredFlavour(), name: "bauta" };
}

/**
 * Gives the executable each plugin's name in dist/cni.
 * @param {string} executable
 */
function linkPlugins(executable) {
  const directory = emptyDirectory(join(ROOT, "dist", "cni"));
  for (const { name } of BUNDLES) {
    if (name !== "bauta") linkSync(executable, join(directory, name));
  }
}

/** @param {string} directory */
function emptyDirectory(directory) {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return directory;
}
