// A directory of CNI executables (/opt/cni/bin) with ours in it:
//
//   bridge -> .bauta/bauta      a link for each name
//   .bauta/bauta                the executable
//   .bauta/replaced/bridge      what had the name before
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
import { withDirectoryLock } from "../../sys/flock.ts";

const STORE = ".bauta";
const TARGET = `${STORE}/bauta`;

/** What a name leads to: nothing, our executable, somebody's file, or a directory, which nothing can replace. */
export type Occupant = "nothing" | "ours" | "other" | "directory";

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

  /** Nobody else installs there meanwhile. The directories are made. */
  locked<T>(use: () => T): T {
    makeDirectories(this.path);
    return withDirectoryLock(this.path, () => {
      makeDirectories(`${this.#store}/replaced`);
      return use();
    });
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
    } catch (error) {
      remove(fresh);
      throw error;
    }
  }

  /** Makes the name ours. What has it is kept, in the place of what may have been kept before. */
  take(name: string): void {
    const path = `${this.path}/${name}`;
    if (this.occupant(name) === "other") {
      const kept = this.kept(name);
      remove(kept);
      keep(path, kept);
    }
    const fresh = `${this.#store}/link.new`;
    remove(fresh);
    symbolicLink(TARGET, fresh);
    rename(fresh, path);
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
    for (const name of ["bauta", "bauta.new", "link.new"]) remove(`${this.#store}/${name}`);
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
    writeDurably(kept, readFile(path), 0o755);
  }
}
