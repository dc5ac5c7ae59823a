// A node with only one form of iptables, or none: this process and the programs that it starts see another /usr/sbin.

import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmdirSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { call } from "../../src/sys/call.ts";
import { requireNamespaces, run } from "./netns.ts";

export type IptablesForm = "legacy" | "nft";

// include/uapi/linux/sched.h
const CLONE_NEWNS = 0x00020000;

const SBIN = "/usr/sbin";
const IS_IPTABLES = /^(ip6?|arp|eb|x)tables/;

// A tmpfs, which ends with the mount namespace, so its content need not be removed. It is not below /run, because tests look
// there for what attachments have left.
const HOME = join(tmpdir(), `bauta-sbin-${process.pid}`);

/** The programs that the node had at first. */
export const ALL_SBIN: string = `${HOME}/sbin`;
let count = 0;

/** Moves this process into a mount namespace of its own. Call it once in a test file, in beforeAll, and return its result. */
export function isolateSbin(): () => void {
  requireNamespaces();
  call("make a mount namespace", "unshare", CLONE_NEWNS);
  run("mount", "--make-rprivate", "/");
  mkdirSync(HOME);
  run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", HOME);
  mkdirSync(ALL_SBIN);
  run("mount", "--bind", SBIN, ALL_SBIN);
  run("mount", "-o", "remount,bind,ro", ALL_SBIN);
  return () => {
    run("umount", "--lazy", HOME);
    rmdirSync(HOME);
  };
}

/** From now on the node has what it had, but of iptables only this form, by its plain names; undefined: none. */
export function haveOnly(form: IptablesForm | undefined): void {
  const some = `${ALL_SBIN}-${++count}`;
  mkdirSync(some);
  for (const name of readdirSync(ALL_SBIN)) if (!IS_IPTABLES.test(name)) symlinkSync(programOf(name), join(some, name));
  if (form !== undefined) {
    const program = join(ALL_SBIN, `xtables-${form}-multi`);
    for (const family of ["iptables", "ip6tables"])
      for (const verb of ["", "-save", "-restore"]) symlinkSync(program, join(some, family + verb));
  }
  run("mount", "--bind", some, SBIN);
}

/** Debian 13's ip is a link to ../bin/ip, which leads elsewhere from another directory. */
function programOf(name: string): string {
  const path = join(ALL_SBIN, name);
  const target = lstatSync(path).isSymbolicLink() ? resolve(SBIN, readlinkSync(path)) : path;
  return target.replace(new RegExp(`^${SBIN}/`), `${ALL_SBIN}/`);
}

/** The reverse of haveOnly. */
export function haveAll(): void {
  run("umount", SBIN);
}

/** Runs a program and returns its standard output. */
type Exec = (command: string, ...args: readonly string[]) => string;

/** The nat table as `iptables-save` tells it, without what differs from one moment to the next. */
export function natRules(exec: Exec, family: 4 | 6): string[] {
  const text = exec(family === 4 ? "iptables-save" : "ip6tables-save", "-t", "nat");
  return text
    .split("\n")
    .filter((line) => line.startsWith(":") || line.startsWith("-A"))
    .map((line) => line.replace(/ \[\d+:\d+\]$/, ""));
}
