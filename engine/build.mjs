// npm run build: the executable, and the directory of plugins.

import { copyFileSync, linkSync, mkdirSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { BUNDLES } from "./bundles.mjs";
import { buildExecutable, ROOT } from "./executable.mjs";
import { FLAVOURS, preferredFlavour } from "./toolchain.mjs";

const HELP = `Usage: npm run build [-- --libc glibc|musl]

Builds dist/bauta, a static executable with all plugins, and dist/cni/, the same file under each plugin's name.
dist/bauta.training/ has what the build has found out by running it. With that file in build/training/ another build of the
same sources, by the same tools, makes the same executable: docs/packages.md.

  --libc musl    links musl and leaves dist/bauta-musl only
  --libc glibc   links the GNU C library and leaves dist/bauta-glibc only
                 (without --libc: musl where musl-gcc is installed, glibc elsewhere)
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
  const { values } = parseArgs({ options: { libc: { type: "string" }, help: { type: "boolean" } } });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const { libc } = values;
  if (libc !== undefined && libc !== "glibc" && libc !== "musl")
    throw new Error(`--libc is glibc or musl, not ${libc}`);
  const flavour = libc === undefined ? await preferredFlavour() : FLAVOURS[libc];
  const output = join(ROOT, "dist", libc === undefined ? "bauta" : `bauta-${libc}`);
  const notes = emptyDirectory(`${output}.training`);
  await buildExecutable(flavour, BUNDLES, output, [], {
    trained: (file) => copyFileSync(file, join(notes, basename(file))),
    untrained: (problem) =>
      process.stderr.write(`the heap is not laid out by use, which costs 0.5 ms a call: ${problem}\n`),
  });
  if (libc === undefined) linkPlugins(output);
  const size = (statSync(output).size / 1e6).toFixed(2);
  process.stdout.write(`${output}: ${size} MB, static (${flavour.name}), ${BUNDLES.length} programs\n`);
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
