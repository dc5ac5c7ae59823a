// What all packages of a release have in common.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PLUGIN_NAMES } from "../../engine/bundles.mjs";
import { commandOn, MACHINES, OWN_MACHINE } from "../../engine/machines.mjs";

export const ROOT = join(import.meta.dirname, "../..");

/**
 * @typedef {import("../../engine/machines.mjs").Machine} Machine
 *
 * @typedef {object} Release What is released for one machine.
 * @property {string} version
 * @property {string} description One line.
 * @property {number} time When the sources were committed, in seconds since 1970: the time of every file in every package.
 * @property {string} executable The path of the executable that the packages have.
 * @property {readonly string[]} plugins The names of the plugins that it is.
 * @property {string} notices The licences of what it contains.
 * @property {Machine} machine What it runs on.
 * @property {string} output The directory of the packages.
 * @property {string} work A directory for what only the packaging for this machine needs.
 */

/**
 * The releases for all machines, this one's the first: of the executables in dist/.
 * @param {string} output
 * @param {string} work
 * @returns {[Release, ...Release[]]}
 */
export function allReleases(output, work) {
  const release = (/** @type {Machine} */ machine) => {
    const name = machine === OWN_MACHINE ? "bauta" : `bauta-${machine.node}`;
    return releaseOf(machine, join(ROOT, "dist", name), output, join(work, machine.node));
  };
  const others = Object.values(MACHINES).filter((machine) => machine !== OWN_MACHINE);
  return [release(OWN_MACHINE), ...others.map(release)];
}

/**
 * The release that the executable is. Throws where SOURCE_DATE_EPOCH is not set, and where the executable is missing or was not
 * built of these sources.
 * @param {Machine} machine
 * @param {string} executable
 * @param {string} output
 * @param {string} work
 * @returns {Release}
 */
function releaseOf(machine, executable, output, work) {
  const { version, description } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const { SOURCE_DATE_EPOCH: given } = process.env;
  const time = Number(given);
  if (given === undefined || !Number.isSafeInteger(time) || time < 0)
    throw new Error("SOURCE_DATE_EPOCH must be a number of seconds since 1970: it is the time of all files");
  const says = run(...commandOn(machine, executable, ["version"]));
  if (!says.startsWith(`bauta ${version}\n`)) throw new Error(`${executable} is not bauta ${version}, but ${says}`);
  const notices = run(...commandOn(machine, executable, ["licenses"]));
  mkdirSync(work, { recursive: true });
  return { version, description, time, executable, plugins: PLUGIN_NAMES, notices, machine, output, work };
}

/**
 * A new directory for what only the packaging needs.
 * @param {Release} release
 * @param {string} name
 */
export function workDirectory({ work }, name) {
  const directory = join(work, name);
  mkdirSync(directory, { recursive: true });
  return directory;
}

/**
 * Runs a program, and returns its standard output. What it says besides is shown.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {import("node:child_process").ExecFileSyncOptions} [options]
 */
export function run(program, args, options = {}) {
  return String(execFileSync(program, args, { stdio: ["ignore", "pipe", "inherit"], maxBuffer: 64 << 20, ...options }));
}
