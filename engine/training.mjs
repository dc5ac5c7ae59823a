// Has a trainer (training.h) run, and makes of its notes which blocks are hot.

import { execFile } from "node:child_process";
import { chmodSync, linkSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);
const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), "training.sh");

/**
 * @typedef {object} Hot
 * @property {Uint8Array} flags By the order in which blocks are cut: 1 where one is hot.
 * @property {number} bytes What the hot ones take together.
 */

/**
 * Runs the executable as the plugins that it is, in namespaces of their own: as root, or through a user namespace. Throws
 * where there can be none; what the executable does is the same without this, in half a millisecond more.
 * @param {string} trainer
 * @param {string} directory
 * @returns {Promise<Hot>}
 */
export async function train(trainer, directory) {
  const place = join(directory, "training");
  mkdirSync(place, { recursive: true });
  chmodSync(place, 0o700);
  for (const name of ["bridge", "ptp", "host-local"]) linkSync(trainer, join(place, name));
  const user = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  await execute("unshare", [...user, "--net", "--mount", "bash", SCRIPT, place], { timeout: 60_000 });
  return hotOf(readFileSync(join(place, "notes")));
}

/**
 * @param {Uint8Array} notes
 * @returns {Hot}
 */
export function hotOf(notes) {
  const words = new Uint16Array(notes.buffer.slice(notes.byteOffset, notes.byteOffset + notes.byteLength));
  const last = words.findLastIndex((word) => (word & 1) === 1);
  const flags = Uint8Array.from(words.subarray(0, last + 1), (word) => word & 1);
  const bytes = words.reduce((sum, word) => sum + (word & 1 ? word - 1 : 0), 0);
  return { flags, bytes };
}
