// Downloads Debian's kernels: the image that qemu boots, and an archive with the modules for networks.

import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { OWN_MACHINE } from "../../engine/machines.mjs";
import { messageOf, Release, run } from "../apt.mjs";
import { CpioWriter } from "./cpio.mjs";

/**
 * Depends on the newest kernel of its release. The flavour for virtual machines has all that we need, and is the smallest.
 * @param {Release} release
 */
const metapackageOf = ({ architecture }) => `linux-image-cloud-${architecture}`;
/** The packages that it leads to: linux-image-… holds everything up to 6.12, linux-binary-… and linux-modules-… later. */
const PARTS = /\blinux-(?:image|binary|modules)-\d[^ ,|]*/g;

/** Releases that may have the newest kernel: the newest release does not always have it. */
const NEWEST = ["sid", "forky", "trixie-backports"];

/** Drivers that a guest's own hardware takes, and that of a program in user space. */
const HARDWARE = "virtio/virtio(_ring|_pci[a-z_]*)?|uio/uio(_pci_generic)?";
/** The files of lib/modules/VERSION/kernel that go into a guest. The kernel loads the modules that it needs itself. */
const MODULES = new RegExp(
  `^(net|lib|crypto|arch/x86/crypto|drivers/(net/([^/]+\\.ko|(bonding|ipvlan|vxlan)/.*)|(${HARDWARE})\\.ko))`,
);

/**
 * @typedef {object} Kernel
 * @property {string} suite
 * @property {string} version `uname -r`
 * @property {string} image
 * @property {string} modules An archive for the first file system.
 */

/**
 * The kernel of a Debian release, or with "newest" the newest that the mirror has. It is kept in the cache from one run
 * to the next.
 * @param {string} suite
 * @param {string} cache
 * @param {import("../../engine/machines.mjs").Machine} [machine]
 * @returns {Kernel}
 */
export function getKernel(suite, cache, machine = OWN_MACHINE) {
  const directory = join(cache, suite);
  const choice = join(directory, "choice");
  // What was kept before other modules were wanted lacks them.
  const isWhole = existsSync(choice) && readFileSync(choice, "utf8") === MODULES.source;
  if (!isWhole) {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(cache, { recursive: true });
    const unfinished = `${directory}.${process.pid}`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished);
    try {
      fetchKernel(suite, unfinished, machine);
      renameSync(unfinished, directory);
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
  }
  const version = readFileSync(join(directory, "version"), "utf8").trim();
  return { suite, version, image: join(directory, "vmlinuz"), modules: join(directory, "modules.cpio") };
}

/**
 * @param {string} suite
 * @param {string} target
 * @param {import("../../engine/machines.mjs").Machine} machine
 */
function fetchKernel(suite, target, { debian }) {
  const release = suite === "newest" ? newestRelease(target, debian) : new Release(suite, join(target, "apt"), debian);
  const tree = join(target, "tree");
  release.unpack(kernelPackages(release), tree);
  release.close();
  const modules = ["usr/lib/modules", "lib/modules"].map((name) => join(tree, name)).find((path) => existsSync(path));
  const version = modules === undefined ? undefined : readdirSync(modules)[0];
  if (modules === undefined || version === undefined)
    throw new Error(`${suite}: the kernel's packages have no modules`);
  const images = [join(tree, "boot", `vmlinuz-${version}`), join(modules, version, "vmlinuz")];
  const image = images.find((path) => existsSync(path));
  if (image === undefined) throw new Error(`${suite}: the packages of kernel ${version} have no image`);
  renameSync(image, join(target, "vmlinuz"));
  packModules(join(modules, version), version, target);
  rmSync(tree, { recursive: true });
  writeFileSync(join(target, "version"), `${version}\n`);
  writeFileSync(join(target, "choice"), MODULES.source);
}

/**
 * The packages that the metapackage depends on.
 * @param {Release} release
 */
function kernelPackages(release) {
  /** @type {Set<string>} */
  const found = new Set();
  const follow = (/** @type {string} */ name) => {
    for (const [part] of (release.package(name)["Depends"] ?? "").matchAll(PARTS)) {
      if (found.has(part)) continue;
      found.add(part);
      follow(part);
    }
  };
  follow(metapackageOf(release));
  if (found.size === 0) throw new Error(`${metapackageOf(release)} leads to no kernel`);
  return [...found];
}

/**
 * @param {string} target
 * @param {string} architecture
 */
function newestRelease(target, architecture) {
  /** @type {{ release: Release, version: string } | undefined} */
  let newest;
  /** @type {string[]} */
  const attempts = [];
  for (const suite of NEWEST) {
    try {
      const release = new Release(suite, join(target, `apt-${suite}`), architecture);
      const version = release.package(metapackageOf(release))["Version"] ?? "0";
      const isBetter = newest === undefined || isNewer(version, newest.version);
      (isBetter ? newest?.release : release)?.close();
      if (isBetter) newest = { release, version };
    } catch (error) {
      attempts.push(messageOf(error));
    }
  }
  if (newest === undefined) throw new Error(attempts.join("\n"));
  return newest.release;
}

/**
 * @param {string} one
 * @param {string} other
 */
function isNewer(one, other) {
  try {
    run("dpkg", ["--compare-versions", one, "gt", other]);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} directory
 * @param {string} version
 * @param {string} target
 */
function packModules(directory, version, target) {
  const wanted = join(target, "modules", "lib", "modules", version);
  const kernel = join(directory, "kernel");
  const names = readdirSync(kernel, { recursive: true, encoding: "utf8" });
  for (const name of names) {
    if (!MODULES.test(name) || lstatSync(join(kernel, name)).isDirectory()) continue;
    const to = join(wanted, "kernel", name);
    mkdirSync(join(to, ".."), { recursive: true });
    renameSync(join(kernel, name), to);
  }
  const compressed = readdirSync(wanted, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".xz"));
  for (let i = 0; i < compressed.length; i += 100) {
    run("xz", ["--decompress", "--threads=0", ...compressed.slice(i, i + 100)], { cwd: wanted });
  }
  for (const name of ["modules.builtin", "modules.builtin.modinfo", "modules.order"]) {
    if (existsSync(join(directory, name))) renameSync(join(directory, name), join(wanted, basename(name)));
  }
  run("depmod", ["--basedir", join(target, "modules"), version]);
  const archive = new CpioWriter(join(target, "modules.cpio"));
  for (const name of readdirSync(wanted, { recursive: true, encoding: "utf8" }).sort()) {
    const path = join(wanted, name);
    if (lstatSync(path).isFile()) archive.copy(`usr/lib/modules/${version}/${name}`, path);
  }
  archive.close();
  rmSync(join(target, "modules"), { recursive: true });
}
