// What container runtimes need: a node to run on, programs, networks, and something to run.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { PATIENCE_MS } from "../../engine/patience.mjs";
import { becomeNode } from "../e2e/masquerade/node.ts";
import type { Json } from "../e2e/masquerade/runtime.ts";
import { openNetns, run, type TestNetns } from "../support/netns.ts";

/** A file system of its own in this test's namespaces: whatever runtimes leave there goes with them. */
export const WORK = "/mnt";
/** The parent of all control groups; those are the machine's, and have to be removed. */
export const CGROUP = `bauta-test-${process.pid}`;
export const ROOTFS: string = join(WORK, "rootfs");

/** The programs that containers may run. */
const APPLETS = ["sh", "sleep", "ping", "ping6"];

/** Where tools/runtimes.sh has unpacked the runtimes. */
function unpacked(): string {
  const directory = process.env["BAUTA_RUNTIMES_DIR"];
  if (directory !== undefined) return directory;
  throw new Error("BAUTA_RUNTIMES_DIR is not set: npm run test:runtimes sets it");
}

/** Makes this thread a node, with a root file system for containers; call it once, in beforeAll. Returns the host outside. */
export function becomeNodeWithRuntimes(): TestNetns {
  const root = unpacked();
  const outside = becomeNode();
  run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", WORK);
  for (const name of ["bin", "dev", "etc", "proc", "run", "sys", "tmp"]) {
    mkdirSync(join(ROOTFS, name), { recursive: true });
  }
  const busybox = ["bin/busybox", "usr/bin/busybox"].map((name) => join(root, name)).find((path) => existsSync(path));
  if (busybox === undefined) throw new Error(`${root} has no busybox`);
  copyFileSync(busybox, join(ROOTFS, "bin/busybox"));
  for (const name of APPLETS) symlinkSync("busybox", join(ROOTFS, "bin", name));
  return outside;
}

/** The environment that the unpacked programs run in. */
export function environment(more: Record<string, string> = {}): Record<string, string> {
  const root = unpacked();
  const directories = ["usr/bin", "usr/sbin"].map((name) => join(root, name));
  const path = [...directories, "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"].join(
    ":",
  );
  // Debian 12's packages have libraries in either directory.
  const libraries = ["usr/lib", "lib"].map((name) => join(root, name, "x86_64-linux-gnu")).join(":");
  return { PATH: path, LD_LIBRARY_PATH: libraries, HOME: WORK, ...more };
}

/** A program among those unpacked. */
export function program(name: string): string {
  const found = ["usr/bin", "usr/sbin"].map((directory) => join(unpacked(), directory, name));
  const path = found.find((one) => existsSync(one));
  if (path === undefined) throw new Error(`the runtimes' packages have no ${name}`);
  return path;
}

/** Runs a program of a runtime and returns what it printed; throws with all it said when it fails. */
export function runRuntime(name: string, args: readonly string[], env: Record<string, string>): string {
  const { status, stdout, stderr, error } = spawnSync(program(name), args, {
    env,
    encoding: "utf8",
    timeout: PATIENCE_MS,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (error !== undefined) throw new Error(`${name} ${args.join(" ")}: ${error.message}`, { cause: error });
  if (status !== 0) throw new Error(`${name} ${args.join(" ")}: status ${status}\n${stdout}${stderr}`);
  return stdout.trim();
}

/** A network with this plugin in front, as runtimes find it in their directory. */
export function listOf({ name, cniVersion, ...plugin }: Json, ...chained: readonly Json[]): Json {
  return { cniVersion, name, plugins: [plugin, ...chained] };
}

/** The namespace of a container, by a file that stands for it, until the running test ends. */
export function containerAt(path: string): TestNetns {
  const netns = openNetns(path);
  onTestFinished(() => netns.remove());
  return netns;
}

/** Removes the control groups that runtimes have made, whatever they have forgotten. */
export function removeControlGroups(directory = "/sys/fs/cgroup", depth = 2): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(directory, entry.name);
    if (entry.name === CGROUP) removeTree(path);
    else if (depth > 1) removeControlGroups(path, depth - 1);
  }
}

function removeTree(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(path, entry.name));
  }
  rmdirSync(path);
}
