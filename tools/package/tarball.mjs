// The tarball: the executable, and what must come along with it.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fill, gzip, tar } from "./archive.mjs";
import { ROOT, workDirectory } from "./release.mjs";

/**
 * @param {import("./release.mjs").Release} release
 * @param {string} bom
 */
export function makeTarball(release, bom) {
  const name = `bauta-${release.version}-linux-${release.machine.node}`;
  const directory = workDirectory(release, "tarball");
  const documents = ["LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md"];
  const units = ["bauta-restore.service", "reload.conf", "dhcp.service", "dhcp.socket"];
  const files = {
    [`${name}/bauta`]: { from: release.executable },
    [`${name}/NOTICES`]: { text: release.notices },
    [`${name}/bauta.cdx.json`]: { text: bom },
    ...Object.fromEntries(documents.map((file) => [`${name}/${file}`, { from: join(ROOT, file) }])),
    ...Object.fromEntries(units.map((file) => [`${name}/systemd/${file}`, { from: join(ROOT, "systemd", file) }])),
  };
  fill(directory, files, [`${name}/bauta`]);
  writeFileSync(join(release.output, `${name}.tar.gz`), gzip(tar(release, directory, [name])));
}
