// A directory of CNI executables (/opt/cni/bin) with ours in it:
//
//   bridge -> .bauta/bauta      a link for each name
//   .bauta/bauta                the executable
//   .bauta/replaced/bridge      what had the name before
//   .bauta/lock                 one command at a time
//
// All names lead to one file, so that one rename(2) brings a new executable to all of them, and what stands in the directory
// tells by itself what is ours: there is no list that could disagree with it. Runtimes call the plugins meanwhile: a name
// leads to the old file or to the new one, at every moment.

import { hasCode } from "../../sys/error.ts";
import {
  exists,
  identify,
  isSame,
  link,
  linkStat,
  makeDirectories,
  readFile,
  readLink,
  remove,
  removeDirectory,
  rename,
  stat,
  symbolicLink,
  syncDirectory,
  writeDurably,
} from "../../sys/file.ts";
import { withRemovableLock } from "../../sys/flock.ts";
import { effectiveUserId } from "../../sys/process.ts";

const STORE = ".bauta";
const TARGET = `${STORE}/bauta`;

/** What a name leads to: nothing, our executable, somebody's file, or a directory, which nothing can replace. */
export type Occupant = "nothing" | "ours" | "other" | "directory";

/** Larger than any plugin. */
const LARGEST = 1 << 30;

/** The store is not safe to use. */
export class StoreError extends Error {
  override readonly name: string = "StoreError";
}

export class BinDirectory {
  readonly path: string;
  readonly #store: string;

  /** `path` from the root on. */
  constructor(path: string) {
    this.path = path;
    this.#store = `${path}/${STORE}`;
  }

  /** Our executable. */
  get executable(): string {
    return `${this.#store}/bauta`;
  }

  /** Where the file is kept that had the name before. */
  kept(name: string): string {
    return `${this.#store}/replaced/${name}`;
  }

  /** Whether there is anything of an installation. */
  get isInstalled(): boolean {
    return exists(this.#store);
  }

  /** Nobody else installs there meanwhile. The directories are made. Throws StoreError where others could write to them. */
  locked<T>(use: () => T): T {
    const prepare = (): void => {
      makeDirectories(`${this.#store}/replaced`);
      this.#requireOwn();
    };
    return withRemovableLock(`${this.#store}/lock`, prepare, use);
  }

  /** What is written there is executed, also as root. */
  #requireOwn(): void {
    const { isDirectory, userId, mode } = linkStat(this.#store);
    if (isDirectory && userId === effectiveUserId() && (mode & 0o022) === 0) return;
    throw new StoreError(`${this.#store} is not a directory that nobody else can write to`);
  }

  occupant(name: string): Occupant {
    const path = `${this.path}/${name}`;
    try {
      return readLink(path) === TARGET ? "ours" : "other";
    } catch (error) {
      if (hasCode(error, "ENOENT", "ENOTDIR")) return "nothing";
      if (!hasCode(error, "EINVAL")) throw error;
      return stat(path).isDirectory ? "directory" : "other";
    }
  }

  /** Whether the executable that is there is this file. */
  hasExecutable(path: string): boolean {
    return exists(this.executable) && isSame(identify(this.executable), identify(path));
  }

  /** Puts the executable there once `verify` has accepted the file, which is complete and has its mode by then. */
  putExecutable(content: Uint8Array, verify: (path: string) => void): void {
    const fresh = `${this.executable}.new`;
    remove(fresh); // of an installation that was killed
    try {
      writeDurably(fresh, content, 0o755);
      verify(fresh);
      rename(fresh, this.executable);
      syncDirectory(this.#store);
    } catch (error) {
      remove(fresh);
      throw error;
    }
  }

  /** Keeps the files that have these names, each in the place of what may have been kept before; a power failure loses none. */
  keep(names: readonly string[]): void {
    for (const name of names) {
      remove(this.kept(name));
      keep(`${this.path}/${name}`, this.kept(name));
    }
    if (names.length > 0) syncDirectory(`${this.#store}/replaced`);
  }

  /** Makes the name ours. A file that has the name is lost, unless it was kept. */
  take(name: string): void {
    const fresh = `${this.#store}/link.new`;
    remove(fresh);
    symbolicLink(TARGET, fresh);
    rename(fresh, `${this.path}/${name}`);
  }

  /** Gives the name, which is ours, back to what had it before. Returns whether there was something. */
  giveBack(name: string): boolean {
    const path = `${this.path}/${name}`;
    try {
      rename(this.kept(name), path);
      return true;
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
      remove(path);
      return false;
    }
  }

  /** Removes the executable, and the directories where nothing is kept in them. Returns whether all is gone. */
  removeStore(): boolean {
    for (const name of ["bauta", "bauta.new", "link.new", "lock"]) remove(`${this.#store}/${name}`);
    try {
      removeDirectory(`${this.#store}/replaced`);
      removeDirectory(this.#store);
      return true;
    } catch (error) {
      if (hasCode(error, "ENOTEMPTY")) return false;
      throw error;
    }
  }

  /** What has been done survives a power failure after this. */
  sync(): void {
    if (exists(this.#store)) syncDirectory(this.#store);
    syncDirectory(this.path);
  }
}

/** Gives the file a second name, or where the file system has no such thing a second file. */
function keep(path: string, kept: string): void {
  try {
    link(path, kept);
  } catch (error) {
    if (!hasCode(error, "EPERM", "EOPNOTSUPP", "EMLINK")) throw error;
    const { isSymbolicLink, mode } = linkStat(path);
    if (isSymbolicLink) symbolicLink(readLink(path), kept);
    else writeDurably(kept, readFile(path, LARGEST), mode);
  }
}
