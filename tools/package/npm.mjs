// The packages for npm, as esbuild has them: `bauta` with a small script, and beside it a package for each machine with the
// executable inside, of which npm installs the one that fits. Nothing is compiled or downloaded by a script.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fill } from "./archive.mjs";
import { ROOT, run, workDirectory } from "./release.mjs";

const OWN = join(import.meta.dirname, "npm");

/** @param {import("./release.mjs").Release} release */
export function makeNpmPackages(release) {
  const { description, executable, machine, notices, version } = release;
  const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const platform = `@bauta/linux-${machine.node}`;
  const common = { version, license: "Apache-2.0" };
  const legal = { LICENSE: { from: join(ROOT, "LICENSE") }, NOTICES: { text: notices } };
  pack(
    release,
    {
      name: platform,
      ...common,
      description: `The executable of bauta for Linux on ${machine.node}`,
      os: ["linux"],
      cpu: [machine.node],
      files: ["bauta", "NOTICES"],
      preferUnplugged: true, // an executable can't be run out of an archive
    },
    { ...legal, "README.md": { text: `# ${platform}\n\nThe executable of bauta. Install the package \`bauta\`.\n` } },
    { bauta: { from: executable } },
  );
  pack(
    release,
    {
      name: "bauta",
      ...common,
      description,
      bin: { bauta: "bin/bauta.mjs" },
      engines,
      files: ["bin"],
      optionalDependencies: { [platform]: version },
    },
    { LICENSE: legal.LICENSE, "README.md": { from: join(OWN, "README.md") } },
    { "bin/bauta.mjs": { from: join(OWN, "bauta.mjs") } },
  );
}

/**
 * Writes NAME-VERSION.tgz. npm gives all files the same time.
 * @param {import("./release.mjs").Release} release
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
