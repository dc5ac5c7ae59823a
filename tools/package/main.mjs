// npm run package: every package of this release, with the executable that `npm run build` has left.

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeDeb } from "./deb.mjs";
import { makeNpmPackages } from "./npm.mjs";
import { makeImage } from "./oci.mjs";
import { allReleases, ROOT } from "./release.mjs";
import { makeBom } from "./sbom.mjs";
import { writeSums } from "./sums.mjs";
import { makeTarball } from "./tarball.mjs";

const HELP = `Usage: npm run package [-- --output DIRECTORY]

Makes the packages of dist/bauta and dist/bauta-arm64 in dist/packages: for each machine a tarball, a package for Debian, one for
npm and the list of what is inside (CycloneDX); for both an image for container runtimes and the package for npm that chooses;
what a build needs to make the same executables; and SHA256SUMS.

  --output DIRECTORY  another place for them
  --help              this text

Environment:
  SOURCE_DATE_EPOCH   the time that all files get, in seconds; the time of the last commit by default
`;

const { values } = parseArgs({ options: { output: { type: "string" }, help: { type: "boolean" } } });
process.umask(0o022); // what packages contain is for everybody
if (values.help) process.stdout.write(HELP);
else main(resolve(values.output ?? join(ROOT, "dist/packages")));

/** @param {string} output */
function main(output) {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), "bauta-package-"));
  try {
    const releases = allReleases(output, work);
    for (const release of releases) {
      const bom = makeBom(release);
      makeTarball(release, bom);
      makeDeb(release, bom);
      // The notes of all are the same.
      for (const name of readdirSync(`${release.executable}.training`)) {
        copyFileSync(join(`${release.executable}.training`, name), join(output, name));
      }
    }
    makeImage(releases);
    makeNpmPackages(releases);
    for (const name of writeSums(output)) process.stdout.write(`${join(output, name)}\n`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
