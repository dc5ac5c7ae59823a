// The package for Debian: a directory of its own, and no script that runs when it is installed (docs/adr/0023-packages.md).

import { lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fill, gzip } from "./archive.mjs";
import { ROOT, run, workDirectory } from "./release.mjs";

const DOCUMENTS = "usr/share/doc/bauta";
const PLUGINS = "usr/lib/bauta/cni";
const COMMAND = "usr/bin/bauta";

/**
 * @param {import("./release.mjs").Release} release
 * @param {string} bom
 */
export function makeDeb(release, bom) {
  const { executable, machine, notices, output, plugins, time, version } = release;
  const directory = workDirectory(release, "deb");
  const from = (/** @type {string} */ file) => ({ from: join(ROOT, file) });
  const files = {
    [COMMAND]: { from: executable },
    [`${DOCUMENTS}/copyright`]: { text: copyright(notices) },
    [`${DOCUMENTS}/README.md`]: from("README.md"),
    [`${DOCUMENTS}/bauta.cdx.json`]: { text: bom },
    [`${DOCUMENTS}/examples/bauta-restore.service`]: from("systemd/bauta-restore.service"),
    [`${DOCUMENTS}/examples/reload.conf`]: from("systemd/reload.conf"),
    [`${DOCUMENTS}/examples/dhcp.service`]: from("systemd/dhcp.service"),
    [`${DOCUMENTS}/examples/dhcp.socket`]: from("systemd/dhcp.socket"),
    [`${PLUGINS}/README`]: { text: "CNI plugins: each is /usr/bin/bauta, which is the plugin that it is called by.\n" },
  };
  fill(directory, files, [COMMAND]);
  writeFileSync(join(directory, DOCUMENTS, "changelog.gz"), gzip(readFileSync(join(ROOT, "CHANGELOG.md"))));
  for (const name of plugins) symlinkSync("../../../bin/bauta", join(directory, PLUGINS, name));
  fill(directory, { "DEBIAN/control": { text: control(release, sizeOf(directory)) } });
  const deb = join(output, `bauta_${version}_${machine.debian}.deb`);
  // dpkg-deb gives what is newer than SOURCE_DATE_EPOCH this time, and sorts. One thread: xz makes other bytes with several.
  run("dpkg-deb", ["--root-owner-group", "-Zxz", "--threads-max=1", "--build", directory, deb], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(time) },
  });
}

/**
 * In units of 1024 bytes, as deb-control(5) has it: what is no file counts one.
 * @param {string} directory
 */
function sizeOf(directory) {
  let size = 0;
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    const status = lstatSync(join(directory, name));
    size += status.isFile() ? Math.ceil(status.size / 1024) : 1;
  }
  return size;
}

/**
 * @param {import("./release.mjs").Release} release
 * @param {number} size
 */
function control({ version, machine, description }, size) {
  return `Package: bauta
Version: ${version}
Architecture: ${machine.debian}
Multi-Arch: foreign
Maintainer: The maintainers of bauta <maintainers@bauta.invalid>
Installed-Size: ${size}
Suggests: containerd | podman | cri-o
Section: net
Priority: optional
Description: CNI plugins for Linux with an IP masquerade that is right
 ${description}.
 .
 The plugins are in /usr/lib/bauta/cni, beside those of other packages. A
 container runtime uses them when its configuration names that directory, or
 when \`bauta install\` has put them where it looks for plugins.
`;
}

/** @param {string} notices */
function copyright(notices) {
  return `The licence of bauta is the Apache License, Version 2.0. On Debian systems its
text is in /usr/share/common-licenses/Apache-2.0. What the executable contains
besides:

${notices}`;
}
