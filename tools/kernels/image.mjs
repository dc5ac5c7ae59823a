// The first file system of a guest, without its kernel's modules: programs of this machine, Node.js, the executables that were
// built, and the tests.

import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { buildAddon } from "../../engine/addon.mjs";
import { PLUGIN_NAMES } from "../../engine/bundles.mjs";
import { FILE_PATIENCE_S } from "../../engine/patience.mjs";
import { run } from "../apt.mjs";
import { bundle, GUEST_ROOT, ROOT } from "./bundle.mjs";
import { CpioWriter } from "./cpio.mjs";

/** Debian packages whose programs the tests and the guest's own scripts run. */
const PACKAGES = [
  "bash",
  "bsdutils",
  "coreutils",
  "dash",
  "findutils",
  "grep",
  "iproute2",
  "iputils-ping",
  "kmod",
  "mount",
];
PACKAGES.push("conntrack", "iptables", "nftables", "procps", "sed", "util-linux");

/** A program, or an extension of iptables. */
const PROGRAM = /^(\/usr)?\/(s?bin|lib\/[^/]+\/xtables)\/[^/]+$/;

/** Names of protocols, which programs print. */
const NAMES = ["/etc/protocols", "/etc/services"];
/** Not every machine has a file of these. */
const HOSTS = "127.0.0.1 localhost\n::1 localhost\n";

/** Files of this repository that tests run or read. */
const FILES = ["tools/strict.sh", "test/support/run-in-namespaces.sh", "test/e2e/masquerade/others.nft"];
const DIRECTORIES = ["test/golden/nftables"];

/**
 * Writes the archive.
 * @param {string} path
 * @param {readonly import("./entries.mjs").ChosenEntry[]} entries
 */
export async function writeImage(path, entries) {
  const archive = new CpioWriter(path);
  for (const name of ["dev", "proc", "sys", "run", "tmp", "root", "mnt", "var/lib", "usr/lib64"])
    archive.directory(name);
  for (const name of ["bin", "sbin", "lib", "lib64"]) archive.link(name, `usr/${name}`);
  archive.link("var/run", "../run");
  addPrograms(archive);
  for (const path of NAMES) archive.copy(merged(path), path);
  archive.file("etc/hosts", HOSTS);
  archive.file(`${GUEST_ROOT.slice(1)}/patience`, `${FILE_PATIENCE_S}\n`);
  archive.file("init", readFileSync(join(import.meta.dirname, "guest/init.sh")), 0o755);
  await addOurs(archive, entries);
  archive.close();
}

/** @param {CpioWriter} archive */
function addPrograms(archive) {
  const node = realpathSync(process.execPath);
  const files = run("dpkg-query", ["--listfiles", ...PACKAGES]).split("\n");
  const programs = files.filter((file) => PROGRAM.test(file) && existsSync(file));
  const real = new Set([...programs.map((file) => realpathSync(file)), node]);
  for (const file of real) archive.copy(merged(file), file);
  // The other names of these programs: some are their packages', some come from update-alternatives, iptables for example.
  const others = ["/usr/bin", "/usr/sbin"].flatMap((path) => readdirSync(path).map((name) => join(path, name)));
  for (const file of new Set([...programs, ...others.filter((path) => existsSync(path))])) {
    if (real.has(realpathSync(file)) && !archive.has(merged(file))) {
      archive.link(merged(file), `/${merged(realpathSync(file))}`);
    }
  }
  if (!archive.has("usr/bin/node")) archive.link("usr/bin/node", `/${merged(node)}`);
  for (const library of librariesOf([...real])) archive.copy(merged(library), realpathSync(library));
  for (const file of filesOfNode(node)) if (!archive.has(merged(file))) archive.copy(merged(file), file);
}

/**
 * The JavaScript that Node.js reads when it starts. Debian 13 builds Node.js with some of its own modules outside of the
 * program, in /usr/share/nodejs; their paths stand in the program or in its library. Without them Node.js aborts: "Cannot
 * load externalized builtin".
 * @param {string} node
 */
export function filesOfNode(node) {
  const parts = [node, ...librariesOf([node])].map((path) => readFileSync(path, "latin1"));
  const named = parts.flatMap((text) => [...text.matchAll(/\0(\/[\w./@+-]+\.js)(?=\0)/g)].map(([, path = ""]) => path));
  return [...new Set(named)].filter((path) => existsSync(path));
}

/** The guest has /bin, /sbin, /lib and /lib64 under /usr, as every Debian since 12. */
const merged = (/** @type {string} */ path) => path.slice(1).replace(/^(s?bin|lib(64)?)\//, "usr/$&");

/**
 * The shared libraries that programs load, and the loader itself. Scripts and static programs load none.
 * @param {readonly string[]} programs
 */
function librariesOf(programs) {
  const text = run("sh", ["-c", 'ldd "$@" 2>/dev/null; true', "sh", ...programs]);
  const found = [...text.matchAll(/^\s+(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path]) => String(path));
  return new Map(found.map((path) => [merged(path), path])).values();
}

/**
 * @param {CpioWriter} archive
 * @param {readonly import("./entries.mjs").ChosenEntry[]} entries
 */
async function addOurs(archive, entries) {
  const inside = (/** @type {string} */ path) => `${GUEST_ROOT.slice(1)}/${path}`;
  archive.copy(inside("dist/bauta"), join(ROOT, "dist/bauta"));
  for (const name of readdirSync(join(ROOT, "dist/cni"))) archive.link(inside(`dist/cni/${name}`), "../bauta");
  const peers = run("bash", [join(ROOT, "tools/peer-plugins.sh")]).trim();
  for (const name of PLUGIN_NAMES) archive.copy(inside(`peer/${name}`), join(peers, name));
  archive.copy(inside("engine.node"), buildAddon());
  for (const file of FILES) archive.copy(inside(file), join(ROOT, file));
  for (const directory of DIRECTORIES) addTree(archive, directory, inside);
  for (const { file, text } of await bundle(entries)) archive.file(inside(`${file}.mjs`), text);
  for (const phase of /** @type {const} */ (["alone", "all", "bridged"])) {
    const files = entries.filter((entry) => entry.phase === phase).map(({ file }) => `${file}\n`);
    archive.file(inside(`entries.${phase}`), files.join(""));
  }
}

/**
 * @param {CpioWriter} archive
 * @param {string} directory
 * @param {(path: string) => string} inside
 */
function addTree(archive, directory, inside) {
  for (const name of readdirSync(join(ROOT, directory), { recursive: true, encoding: "utf8" })) {
    const path = join(directory, name);
    if (lstatSync(join(ROOT, path)).isFile()) archive.copy(inside(path), join(ROOT, path));
  }
}
