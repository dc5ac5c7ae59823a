// What is inside an executable besides bauta, by its own word: `bauta version` names what it was built with.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { sysrootOf } from "../../engine/cross.mjs";
import { CACHE } from "../../engine/executable.mjs";
import { commandOn, OWN_MACHINE } from "../../engine/machines.mjs";
import { QUICKJS_TARBALL } from "../../engine/source.mjs";
import { ROOT, run } from "./release.mjs";

/**
 * @typedef {object} Part
 * @property {string} name
 * @property {string} version
 * @property {string} licence An identifier of SPDX.
 * @property {readonly ["SHA-256" | "SHA-512", string] | undefined} hash Of what it was unpacked from, in hexadecimal digits.
 * @property {Source} source Where it is from.
 *
 * @typedef {object} Source In the words of package URLs.
 * @property {string} type
 * @property {string} [namespace]
 * @property {string} name
 * @property {string} version
 * @property {Record<string, string>} [qualifiers]
 */

/** The C libraries, as Debian packages them. */
const C_LIBRARIES = {
  musl: { package: "musl-dev", licence: "MIT" },
  glibc: { package: "libc6-dev", licence: "LGPL-2.1-or-later" },
};

/**
 * @param {import("./release.mjs").Release} release
 * @returns {Part[]}
 */
export function partsOf({ executable, machine }) {
  const [, said = ""] = /^built with (.*)$/m.exec(run(...commandOn(machine, executable, ["version"]))) ?? [];
  return said.split(", ").map((part) => {
    const [name = "", version = ""] = part.split(" ");
    if (name === "QuickJS") return quickjs(version);
    if (name === "musl" || name === "glibc") return cLibrary(name, machine);
    return npmPackage(name, version);
  });
}

/**
 * @param {string} version
 * @returns {Part}
 */
function quickjs(version) {
  const { packageVersion, sha256 } = QUICKJS_TARBALL;
  const qualifiers = { arch: "source" };
  const source = { type: "deb", namespace: "debian", name: "quickjs", version: packageVersion, qualifiers };
  return { name: "QuickJS", version, licence: "MIT", hash: ["SHA-256", sha256], source };
}

/**
 * @param {keyof typeof C_LIBRARIES} name
 * @param {import("./release.mjs").Machine} machine
 * @returns {Part}
 */
function cLibrary(name, machine) {
  const { package: packageName, licence } = C_LIBRARIES[name];
  const version = debianVersion(packageName, machine === OWN_MACHINE ? "/" : sysrootOf(machine, CACHE));
  const source = { type: "deb", namespace: "debian", name: packageName, version, qualifiers: { arch: machine.debian } };
  return { name, version, licence, hash: undefined, source };
}

/**
 * The version of a package that is installed, by its changelog, which is there where dpkg's database is not, too.
 * @param {string} name
 * @param {string} root Where it is installed.
 */
function debianVersion(name, root) {
  const file = join(root, `usr/share/doc/${name}/changelog.Debian.gz`);
  const [, version] = /^\S+ \(([^)]+)\)/.exec(gunzipSync(readFileSync(file)).toString()) ?? [];
  if (version === undefined) throw new Error(`${file} does not begin with a version`);
  return version;
}

/**
 * @param {string} name
 * @param {string} version
 * @returns {Part}
 */
function npmPackage(name, version) {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const locked = packages[`node_modules/${name}`];
  if (locked?.version !== version) throw new Error(`package-lock.json has ${name} ${locked?.version}, not ${version}`);
  const digest = Buffer.from(locked.integrity.replace(/^sha512-/, ""), "base64").toString("hex");
  return { name, version, licence: locked.license, hash: ["SHA-512", digest], source: { type: "npm", name, version } };
}
