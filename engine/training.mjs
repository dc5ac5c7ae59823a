// Runs a trainer (training.h), and reads from its notes what each block is used for.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { commandOn } from "./machines.mjs";
import { TEST_PATIENCE_MS } from "./patience.mjs";

const execute = promisify(execFile);
const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), "training.sh");

/** As in training.h; a size is a multiple of 8. */
const USE = { UNUSED: 0, READ: 1, FREED: 2, WRITTEN: 3 };
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
 * @param {Uint8Array} [freed] What usesOf takes.
 * @returns {Promise<Uses & { notes: string }>} With the path of the notes.
 */
export async function trainOnce(trainer, directory, cache, freed) {
  const kept = join(cache, notesName(trainer));
  if (!existsSync(kept)) {
    const notes = trimmed(await train(trainer, directory));
    mkdirSync(cache, { recursive: true });
    const unfinished = `${kept}.${process.pid}`;
    writeFileSync(unfinished, notes);
    renameSync(unfinished, kept);
  }
  return { notes: kept, ...usesOf(readFileSync(kept), freed) };
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
 * The notes of a trainer for another machine, about the blocks that its module level has given back: a few are others than here, and
 * these must be right. It is run by an emulator, as a question that needs nothing of a kernel. The notes are the same each time.
 * @param {import("./machines.mjs").Machine} machine
 * @param {string} trainer
 */
export async function freedOn(machine, trainer) {
  const notes = `${trainer}.notes`;
  const place = `${trainer}.names`;
  mkdirSync(place);
  linkSync(trainer, join(place, "loopback"));
  const [program, args] = commandOn(machine, join(place, "loopback"), []);
  await execute(program, args, { env: { ...process.env, CNI_COMMAND: "VERSION", BAUTA_TRAINING: notes } });
  return readFileSync(notes);
}

/** @param {Uint8Array} notes */
function wordsOf(notes) {
  return new Uint16Array(notes.buffer.slice(notes.byteOffset, notes.byteOffset + notes.byteLength));
}

/**
 * @param {Uint8Array} notes
 * @param {Uint8Array} [freed] Notes that tell which blocks are given back, instead of those.
 * @returns {Uses}
 */
export function usesOf(notes, freed) {
  const words = freed === undefined ? wordsOf(notes) : withFreed(wordsOf(notes), wordsOf(freed));
  const last = words.findLastIndex((word) => (word & USE_MASK) !== 0);
  const uses = Uint8Array.from(words.subarray(0, last + 1), (word) => word & USE_MASK);
  const bytesOf = (/** @type {number} */ use) =>
    words.reduce((sum, word) => sum + ((word & USE_MASK) === use ? word - use : 0), 0);
  return { uses, writtenBytes: bytesOf(USE.WRITTEN), readBytes: bytesOf(USE.READ) };
}

/**
 * The first notes, with the blocks that are given back by the second.
 * @param {Uint16Array} words
 * @param {Uint16Array} others
 */
function withFreed(words, others) {
  return words.map((word, ordinal) => {
    const [use, size] = [word & USE_MASK, word & ~USE_MASK];
    if (((others[ordinal] ?? 0) & USE_MASK) === USE.FREED) return size | USE.FREED;
    return use === USE.FREED ? size | USE.UNUSED : word;
  });
}
