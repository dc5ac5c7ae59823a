// Downloads Debian packages of any release with apt. apt's lists and caches are ours, so any user can do it and nothing is
// installed.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OWN_MACHINE } from "../engine/machines.mjs";
import { aptEnvironment, debianMirrors } from "../engine/source.mjs";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
/** Debian's own mirror, for a machine whose package sources name none. */
const DEFAULT_MIRROR = "http://deb.debian.org/debian";
/** Has the releases that mirrors no longer carry. */
const ARCHIVE = "http://archive.debian.org/debian";

/** Stable releases have a suite of security updates; others, sid or trixie-backports say, have none. */
const HAS_SECURITY = /^(bullseye|bookworm|trixie)$/;

/** One release of Debian on one mirror. */
export class Release {
  /**
   * Reads the release's lists from the first of the machine's mirrors that has it.
   * @param {string} suite
   * @param {string} directory For apt's lists. It is made anew, and close() removes it.
   * @param {string} [architecture] Of the packages; Debian's name for it.
   */
  constructor(suite, directory, architecture = OWN_MACHINE.debian) {
    /** @type {string} */
    this.directory = directory;
    /** @type {string} */
    this.architecture = architecture;
    /** @type {string[]} */
    const attempts = [];
    for (const mirror of [...new Set([...debianMirrors(), DEFAULT_MIRROR, ARCHIVE])]) {
      const sources = [`deb [signed-by=${KEYRING}] ${mirror} ${suite} main\n`];
      // Security updates lie in a suite of their own; not every mirror has it.
      const security = `deb [signed-by=${KEYRING}] ${mirror.replace(/\/$/, "")}-security ${suite}-security main\n`;
      if (HAS_SECURITY.test(suite)) sources.unshift(`${sources[0]}${security}`);
      for (const source of sources) {
        this.#prepare(source);
        try {
          this.#run("apt-get", "--quiet", "--error-on=any", "update");
          return;
        } catch (error) {
          attempts.push(`${mirror}: ${messageOf(error)}`);
        }
      }
    }
    this.close();
    throw new Error(`no mirror has Debian ${suite}\n  ${attempts.join("\n  ")}`);
  }

  /** @param {string} source */
  #prepare(source) {
    rmSync(this.directory, { recursive: true, force: true });
    for (const name of ["lists/partial", "archives/partial"])
      mkdirSync(join(this.directory, name), { recursive: true });
    writeFileSync(join(this.directory, "status"), "");
    writeFileSync(join(this.directory, "sources.list"), source);
  }

  /**
   * @param {string} program
   * @param {readonly string[]} args
   */
  #run(program, ...args) {
    const options = {
      "Dir::Etc::SourceList": join(this.directory, "sources.list"),
      "Dir::Etc::SourceParts": "/dev/null",
      "Dir::State::Lists": join(this.directory, "lists"),
      "Dir::State::Status": join(this.directory, "status"),
      "Dir::Cache": this.directory,
      "Dir::Cache::Archives": join(this.directory, "archives"),
      "APT::Sandbox::User": "root", // its own user could not write here
      "APT::Architectures": this.architecture,
      "APT::Architecture": this.architecture,
      "Acquire::Languages": "none",
    };
    const given = Object.entries(options).map(([name, value]) => `-o${name}=${value}`);
    return run(program, [...given, ...args], { cwd: this.directory, env: aptEnvironment() });
  }

  /**
   * The control fields of a package, in the newest version that the release has.
   * @param {string} name
   * @returns {Record<string, string>}
   */
  package(name) {
    const text = this.#run("apt-cache", "--no-all-versions", "show", name);
    return Object.fromEntries([...text.matchAll(/^([A-Z][\w-]*): (.*)$/gm)].map(([, field, value]) => [field, value]));
  }

  /**
   * Unpacks the newest versions of packages. Their installation scripts are not run.
   * @param {readonly string[]} names
   * @param {string} target
   */
  unpack(names, target) {
    this.#run("apt-get", "--quiet", "download", ...names);
    mkdirSync(target, { recursive: true });
    for (const file of readdirSync(this.directory).filter((name) => name.endsWith(".deb"))) {
      run("dpkg-deb", ["--extract", join(this.directory, file), target]);
      rmSync(join(this.directory, file));
    }
  }

  close() {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/**
 * Unpacks the newest versions of packages into a directory, unless an earlier call has done so.
 * @param {string} suite A release of Debian.
 * @param {readonly string[]} packages
 * @param {string} directory It appears in one step, so that a call that is interrupted leaves none.
 * @param {string} [architecture]
 */
export function unpackOnce(suite, packages, directory, architecture) {
  if (existsSync(directory)) return;
  const unfinished = `${directory}.${process.pid}`;
  try {
    const release = new Release(suite, join(unfinished, "apt"), architecture);
    release.unpack(packages, join(unfinished, "root"));
    release.close();
    renameSync(join(unfinished, "root"), directory);
  } catch (error) {
    if (!existsSync(directory)) throw error; // another call was faster
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/**
 * Runs a program and returns its standard output. Throws with its standard error when it fails.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {import("node:child_process").ExecFileSyncOptions} [options]
 */
export function run(program, args, options = {}) {
  try {
    return String(execFileSync(program, args, { stdio: ["ignore", "pipe", "pipe"], maxBuffer: 64 << 20, ...options }));
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    throw new Error(`${program} failed: ${said || messageOf(error)}`, { cause: error });
  }
}

/** @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
