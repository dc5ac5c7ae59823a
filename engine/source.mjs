// Gets the source of QuickJS: Debian's source package through apt, with lists and caches of our own so that any user can,
// on any Debian; or what BAUTA_QUICKJS names. Nothing of it is part of this repository.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const VERSION = "2025.04.26";
const PACKAGE_VERSION = `${VERSION}-1`;
const TARBALL = `quickjs_${VERSION}.orig.tar.xz`;
const SHA256 = "ec81da5b3249ed648dbc7df4a1654988910e66a118d9b71cb63534216efcfbbe";
/** What the engine is made of, for those who ask: a source package of Debian. */
export const QUICKJS_TARBALL = { packageVersion: PACKAGE_VERSION, sha256: SHA256 };
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
/** Debian releases that have this package, tried in turn. A source package is only data: the release need not be the machine's. */
const SUITES = ["trixie", "forky", "sid"];

/**
 * The directory of QuickJS's source: `cache` keeps it from one build to the next.
 * @param {string} cache
 * @returns {string}
 */
export function quickjsSource(cache) {
  const { BAUTA_QUICKJS: given } = process.env;
  if (given !== undefined && statSync(given).isDirectory()) return givenDirectory(resolve(given));
  if (given !== undefined) verify(given);
  const unpacked = join(cache, `quickjs-${VERSION}`);
  if (existsSync(unpacked)) return unpacked;
  mkdirSync(cache, { recursive: true });
  const tarball = given ?? download(cache);
  verify(tarball);
  const unfinished = `${unpacked}.${process.pid}`;
  mkdirSync(unfinished);
  run("tar", ["-xJf", tarball, "-C", unfinished, "--strip-components=1"], "apt-get install tar xz-utils");
  try {
    renameSync(unfinished, unpacked);
  } catch (error) {
    if (!existsSync(unpacked)) throw error; // another build was faster
    rmSync(unfinished, { recursive: true });
  }
  return unpacked;
}

/** @param {string} directory */
function givenDirectory(directory) {
  const version = readFileSync(join(directory, "VERSION"), "utf8").trim();
  if (version.replaceAll("-", ".") === VERSION) return directory;
  throw new Error(`BAUTA_QUICKJS=${directory} is QuickJS ${version}, not ${VERSION}`);
}

/** @param {string} tarball */
function verify(tarball) {
  const found = createHash("sha256").update(readFileSync(tarball)).digest("hex");
  if (found !== SHA256) throw new Error(`${tarball} is not ${TARBALL}: its SHA-256 is ${found}, not ${SHA256}`);
}

/**
 * Has apt download the tarball from the machine's own mirror.
 * @param {string} cache
 */
function download(cache) {
  const tarball = join(cache, TARBALL);
  if (existsSync(tarball)) return tarball;
  const mirrors = debianMirrors();
  /** @type {string[]} */
  const attempts = [];
  for (const mirror of mirrors) {
    for (const suite of SUITES) {
      const failure = downloadFrom(cache, mirror, suite);
      if (failure === undefined) return tarball;
      attempts.push(`${mirror} ${suite}: ${failure}`);
    }
  }
  if (mirrors.length === 0) attempts.push("no Debian mirror in /etc/apt");
  throw new Error(
    `cannot get QuickJS ${VERSION} through apt. Set BAUTA_QUICKJS to ${TARBALL} (SHA-256 ${SHA256}) or to its ` +
      `unpacked directory.\n  ${attempts.join("\n  ")}`,
  );
}

/**
 * @param {string} cache
 * @param {string} mirror
 * @param {string} suite
 * @returns {string | undefined} What went wrong, if anything did.
 */
function downloadFrom(cache, mirror, suite) {
  const apt = join(cache, `apt.${process.pid}`);
  for (const directory of ["lists/partial", "archives/partial"]) mkdirSync(join(apt, directory), { recursive: true });
  writeFileSync(join(apt, "status"), "");
  writeFileSync(join(apt, "sources.list"), `deb-src [signed-by=${KEYRING}] ${mirror} ${suite} main\n`);
  const options = {
    "Dir::Etc::SourceList": join(apt, "sources.list"),
    "Dir::Etc::SourceParts": "/dev/null",
    "Dir::State::Lists": join(apt, "lists"),
    "Dir::State::Status": join(apt, "status"),
    "Dir::Cache": apt,
    "Dir::Cache::Archives": join(apt, "archives"),
    "APT::Sandbox::User": "root", // its own user could not write here
    "APT::Get::List-Cleanup": "false",
  };
  const args = Object.entries(options).map(([name, value]) => `-o${name}=${value}`);
  try {
    run("apt-get", [...args, "-q", "update"], "a Debian system", apt);
    run("apt-get", [...args, "-q", "source", "--download-only", "--tar-only", `quickjs=${PACKAGE_VERSION}`], "", apt);
    renameSync(join(apt, TARBALL), join(cache, TARBALL));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    rmSync(apt, { recursive: true, force: true });
  }
}

/** The environment for apt. It runs programs of Debian's own, which differ from release to release, and must find them. */
export function aptEnvironment() {
  return { ...process.env, PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
}

/** The URIs of the machine's package sources that have a `main` component, those that look like Debian's first. */
export function debianMirrors() {
  const directory = "/etc/apt/sources.list.d";
  const files = ["/etc/apt/sources.list"];
  if (existsSync(directory)) files.push(...readdirSync(directory).map((name) => join(directory, name)));
  const mirrors = files.filter((file) => existsSync(file)).flatMap((file) => mirrorsIn(file));
  const looksRight = (/** @type {string} */ uri) => (/\/debian\/?$/.test(uri) ? 0 : 1);
  return [...new Set(mirrors)].sort((a, b) => looksRight(a) - looksRight(b));
}

/**
 * The URIs that a file of package sources names, in either of its formats, of entries with a `main` component.
 * @param {string} file
 * @returns {string[]}
 */
export function mirrorsIn(file) {
  const text = readFileSync(file, "utf8").replace(/^#.*\n?/gm, "");
  if (file.endsWith(".sources")) {
    // deb822: paragraphs of `Field: value`
    return text.split(/\n\s*\n/).flatMap((paragraph) => {
      const field = (/** @type {string} */ name) =>
        new RegExp(`^${name}:[ \t]*(.*)$`, "im").exec(paragraph)?.[1]?.split(/\s+/) ?? [];
      const usable = field("Components").includes("main") && field("Suites").every((suite) => !/security/.test(suite));
      return usable ? field("URIs").filter((uri) => uri !== "") : [];
    });
  }
  // deb [options] URI suite component…
  const lines = text.matchAll(/^deb(?:-src)?\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/gm);
  return [...lines].flatMap(([, uri = "", suite = "", components = ""]) =>
    components.split(/\s+/).includes("main") && !/security/.test(suite) ? [uri] : [],
  );
}

/**
 * Runs a program; its output is shown only if it fails.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} remedy
 * @param {string} [directory]
 */
function run(program, args, remedy, directory) {
  try {
    const env = program === "apt-get" ? aptEnvironment() : process.env;
    execFileSync(program, args, { env, stdio: ["ignore", "pipe", "pipe"], ...(directory ? { cwd: directory } : {}) });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ("code" in error && error.code === "ENOENT") {
      throw new Error(`${program} is not installed (needed: ${remedy})`, { cause: error });
    }
    const said = "stderr" in error ? String(error.stderr).trim() : error.message;
    throw new Error(`${program} failed: ${said}`, { cause: error });
  }
}
