// The licence notices of what an executable carries besides bauta itself.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * One entry of `notices` in src/cli/notices.ts.
 * @typedef {{ name: string, version: string, text: string }} Notice
 */

/** Where Debian keeps the copyright of the C library that a flavour links, and how it is licensed in a word. */
const C_LIBRARIES = {
  musl: { package: "musl-dev", licence: "MIT licence" },
  glibc: { package: "libc6-dev", licence: "GNU Lesser General Public License 2.1 or later" },
};

/**
 * The notices of QuickJS, the C library and every npm package among the bundles' inputs.
 * @param {string} root
 * @param {string} quickjs The directory of its source.
 * @param {string} flavour
 * @param {readonly string[]} inputs Paths under `root`.
 * @returns {Notice[]}
 */
export function licenceNotices(root, quickjs, flavour, inputs) {
  const engine = {
    name: "QuickJS",
    version: readFileSync(join(quickjs, "VERSION"), "utf8").trim(),
    text: readFileSync(join(quickjs, "LICENSE"), "utf8"),
  };
  return [
    engine,
    ...(flavour === "musl" || flavour === "glibc" ? [cLibrary(flavour)] : []),
    ...npmPackages(root, inputs),
  ];
}

/**
 * The notices of the npm packages among these files.
 * @param {string} root
 * @param {readonly string[]} inputs
 * @returns {Notice[]}
 */
export function npmPackages(root, inputs) {
  const packages = inputs.flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  return [...new Set(packages)].sort().map((path) => npmPackage(join(root, path)));
}

/** @param {keyof typeof C_LIBRARIES} flavour */
function cLibrary(flavour) {
  const { package: name, licence } = C_LIBRARIES[flavour];
  const file = `/usr/share/doc/${name}/copyright`;
  return { name: flavour, version: "", text: existsSync(file) ? readFileSync(file, "utf8") : `${licence}\n` };
}

/** @param {string} directory */
function npmPackage(directory) {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  const files = readdirSync(directory).filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file));
  const texts = files.sort().map((file) => readFileSync(join(directory, file), "utf8"));
  return { name, version, text: texts.join("\n") || `${license}\n` };
}
