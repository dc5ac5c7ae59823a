// The packages for npm, as esbuild has them: `bauta` with a small script, and beside it a package for each machine with the
// executable inside, of which npm installs the one that fits. Nothing is compiled or downloaded by a script.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fill } from "./archive.mjs";
import { ROOT, run, workDirectory } from "./release.mjs";

const OWN = join(import.meta.dirname, "npm");

/**
 * @typedef {import("./release.mjs").Release} Release
 */

const LICENCE = { LICENSE: { from: join(ROOT, "LICENSE") } };

/** @param {readonly [Release, ...Release[]]} releases */
export function makeNpmPackages(releases) {
  for (const release of releases) makePlatformPackage(release);
  const [release] = releases;
  const { description, version } = release;
  const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  pack(
    release,
    {
      name: "bauta",
      version,
      license: "Apache-2.0",
      description,
      bin: { bauta: "bin/bauta.mjs" },
      engines,
      files: ["bin"],
      optionalDependencies: Object.fromEntries(releases.map((one) => [platformOf(one), version])),
    },
    { ...LICENCE, "README.md": { from: join(OWN, "README.md") } },
    { "bin/bauta.mjs": { from: join(OWN, "bauta.mjs") } },
  );
}

/** @param {Release} release */
function platformOf({ machine }) {
  return `@bauta/linux-${machine.node}`;
}

/** @param {Release} release */
function makePlatformPackage(release) {
  const { executable, machine, notices, version } = release;
  const platform = platformOf(release);
  pack(
    release,
    {
      name: platform,
      version,
      license: "Apache-2.0",
      description: `The executable of bauta for Linux on ${machine.node}`,
      os: ["linux"],
      cpu: [machine.node],
      files: ["bauta", "NOTICES"],
      preferUnplugged: true, // an executable can't be run out of an archive
    },
    {
      ...LICENCE,
      NOTICES: { text: notices },
      "README.md": { text: `# ${platform}\n\nThe executable of bauta. Install the package \`bauta\`.\n` },
    },
    { bauta: { from: executable } },
  );
}

/**
 * Writes NAME-VERSION.tgz. npm gives all files the same time.
 * @param {Release} release
 * @param {{ name: string } & Record<string, unknown>} manifest
 * @param {Parameters<typeof fill>[1]} files
 * @param {Parameters<typeof fill>[1]} programs
 */
function pack(release, manifest, files, programs) {
  const directory = workDirectory(release, join("npm", manifest.name));
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  fill(directory, { ...files, ...programs, "package.json": { text } }, Object.keys(programs));
  // Without what npm keeps in the home directory, and without a look at the registry.
  const settings = ["--ignore-scripts", "--offline", "--silent", `--cache=${join(release.work, "npm-cache")}`];
  run("npm", ["pack", ...settings, "--pack-destination", release.output], { cwd: directory });
}
