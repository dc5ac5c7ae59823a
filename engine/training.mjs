// Runs a trainer (training.h), and reads from its notes what each block is used for.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { TEST_PATIENCE_MS } from "./patience.mjs";

const execute = promisify(execFile);
const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), "training.sh");

/** As in training.h; a size is a multiple of 8. */
const USE = { READ: 1, WRITTEN: 3 };
const USE_MASK = 7;

/**
 * @typedef {object} Uses
 * @property {Uint8Array} uses The use of each block, in the order in which the blocks are cut.
 * @property {number} writtenBytes The size of all blocks that are written to.
 * @property {number} readBytes The size of all blocks that are only read.
 */

/**
 * What the notes of this very trainer say. They are taken once and kept in `cache`: what the kernel answers differs from one
 * training to the next, and so do the notes in one block of a thousand. With the notes of another build of the same sources
 * the build makes the same executable.
 * @param {string} trainer
 * @param {string} directory
 * @param {string} cache
 * @returns {Promise<Uses & { notes: string }>} With the path of the notes.
 */
export async function trainOnce(trainer, directory, cache) {
  const kept = join(cache, notesName(trainer));
  if (!existsSync(kept)) {
    const notes = trimmed(await train(trainer, directory));
    mkdirSync(cache, { recursive: true });
    const unfinished = `${kept}.${process.pid}`;
    writeFileSync(unfinished, notes);
    renameSync(unfinished, kept);
  }
  return { notes: kept, ...usesOf(readFileSync(kept)) };
}

/**
 * The name of the file that has a trainer's notes.
 * @param {string} trainer
 */
function notesName(trainer) {
  return `${createHash("sha256").update(readFileSync(trainer)).digest("hex").slice(0, 20)}.notes`;
}

/**
 * Runs the trainer as plugins, in namespaces of their own: as root, or through a user namespace. Throws where namespaces cannot
 * be made. Without the layout the executable does the same, in half a millisecond more.
 * @param {string} trainer
 * @param {string} directory
 */
async function train(trainer, directory) {
  const place = join(directory, "training");
  mkdirSync(place, { recursive: true });
  chmodSync(place, 0o700);
  for (const name of ["bridge", "ptp", "host-local"]) linkSync(trainer, join(place, name));
  const user = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  await execute("unshare", [...user, "--net", "--mount", "bash", SCRIPT, place], { timeout: TEST_PATIENCE_MS });
  return readFileSync(join(place, "notes"));
}

/**
 * The notes without the zeros at their end.
 * @param {Uint8Array} notes
 */
function trimmed(notes) {
  const last = notes.findLastIndex((byte) => byte !== 0);
  return notes.subarray(0, last + 1 + ((last + 1) % 2));
}

/**
 * @param {Uint8Array} notes
 * @returns {Uses}
 */
export function usesOf(notes) {
  const words = new Uint16Array(notes.buffer.slice(notes.byteOffset, notes.byteOffset + notes.byteLength));
  const last = words.findLastIndex((word) => (word & USE_MASK) !== 0);
  const uses = Uint8Array.from(words.subarray(0, last + 1), (word) => word & USE_MASK);
  const bytesOf = (/** @type {number} */ use) =>
    words.reduce((sum, word) => sum + ((word & USE_MASK) === use ? word - use : 0), 0);
  return { uses, writtenBytes: bytesOf(USE.WRITTEN), readBytes: bytesOf(USE.READ) };
}
