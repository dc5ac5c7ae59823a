// "excludeFile": destinations in a file that changes while containers run. What was last read whole stays in force until the
// file can be read whole again. The configuration names the file and root reads it, but the errors may be read by anyone who
// runs a container: so no error tells anything of the file's contents.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import { engine } from "../../sys/engine.ts";
import { hasCode } from "../../sys/error.ts";
import { O, readAll, withOpen } from "../../sys/fd.ts";
import { exists, makeDirectories, statOpen } from "../../sys/file.ts";
import { logLine } from "../../sys/process.ts";
import { OddEntryError, readRegularText } from "../../sys/regular-file.ts";
import { removeReplaced, replaceFile } from "../../sys/whole-file.ts";
import { requireUnambiguous } from "./destinations.ts";
import { parseExcludeFile } from "./exclude-file-format.ts";
import type { MasqueradeOptions } from "./options.ts";

const DIRECTORY = "/run/bauta/lists";

/** Room for 200,000 prefixes. */
const FILE_LIMIT = 4 << 20;

/** Room for the same list as JSON, with the state of the file. */
const APPLIED_LIMIT = 2 * FILE_LIMIT;

/** The list in force, and the state of the file that the list was read from. */
interface Applied {
  readonly stamp: string;
  readonly prefixes: readonly string[];
}

export interface Excluded {
  readonly prefixes: readonly string[];
  /** Whether the kernel's set has just these already. */
  readonly isApplied: boolean;
  /** Why the list is an old one; absent where it is what the file says. */
  readonly problem?: string;
  /** To be called when it has. */
  remember(): void;
}

const NOTHING: Excluded = { prefixes: [], isApplied: true, remember() {} };

/**
 * The destinations in the options' file. Where it can't be read or isn't whole the last good list counts, and standard
 * error says so; where there is none, CniError 7 is thrown.
 */
export function readExcluded(options: MasqueradeOptions): Excluded {
  const { excludeFile } = options;
  if (excludeFile === undefined) return NOTHING;
  const state = `${DIRECTORY}/${options.listKey}`;
  const applied = readApplied(state);
  try {
    // Without O_NONBLOCK open(2) of a FIFO would wait for a writer.
    return withOpen(excludeFile, O.RDONLY | O.NONBLOCK, (fd) => {
      const { mtimeNs, size, inode, isRegular } = statOpen(fd, excludeFile);
      if (!isRegular) throw new SyntaxError("it is not a regular file");
      const stamp = `${excludeFile} ${inode} ${mtimeNs} ${size}`;
      if (applied?.stamp === stamp) return inForce(state, applied);
      const prefixes = parseExcludeFile(engine.decode(readAll(fd, excludeFile, FILE_LIMIT)));
      requireUnambiguous(options, prefixes);
      return { prefixes, isApplied: false, remember: () => write(state, { stamp, prefixes }) };
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (applied === undefined) {
      throw CniError.because(error, CNI_CODE.INVALID_CONFIG, `ipMasqOptions.excludeFile: ${excludeFile}: ${reason}`);
    }
    logLine(`bauta: ${excludeFile}: ${reason}; the list that was read before stays in force`);
    return { ...inForce(state, applied), problem: reason };
  }
}

/** A list that the kernel has, if anything uses it: its last user may be going meanwhile, and have it forgotten. */
function inForce(state: string, applied: Applied): Excluded {
  const remember = (): void => {
    if (!exists(state)) write(state, applied);
  };
  return { prefixes: applied.prefixes, isApplied: true, remember };
}

function write(state: string, applied: Applied): void {
  makeDirectories(DIRECTORY, 0o700);
  replaceFile(state, JSON.stringify(applied), 0o600);
}

/**
 * Forgets the list that was read for the options when nothing uses the list any more. An ADD that comes later writes it again;
 * a list that has come into use between the question and the removal is put back. Throws SyscallError.
 */
export function forgetList(options: Pick<MasqueradeOptions, "listKey">, isUsed: () => boolean): void {
  if (isUsed()) return;
  const state = `${DIRECTORY}/${options.listKey}`;
  const applied = readApplied(state);
  if (removeReplaced(state) && applied !== undefined && isUsed() && !exists(state)) write(state, applied);
}

/**
 * The destinations from the options' file as the kernel has them, whatever the file says by now: a change comes into
 * force with the next ADD. Where none has come yet, as readExcluded.
 */
export function readInForce(options: MasqueradeOptions): readonly string[] {
  if (options.excludeFile === undefined) return [];
  return readApplied(`${DIRECTORY}/${options.listKey}`)?.prefixes ?? readExcluded(options).prefixes;
}

function readApplied(path: string): Applied | undefined {
  try {
    const value: unknown = JSON.parse(readRegularText(path, APPLIED_LIMIT));
    return isApplied(value) ? value : undefined;
  } catch (error) {
    if (hasCode(error, "ENOENT") || error instanceof SyntaxError || error instanceof OddEntryError) return undefined;
    throw error;
  }
}

function isApplied(value: unknown): value is Applied {
  if (typeof value !== "object" || value === null || !("stamp" in value && "prefixes" in value)) return false;
  const { stamp, prefixes } = value;
  return typeof stamp === "string" && Array.isArray(prefixes) && prefixes.every((one) => typeof one === "string");
}
