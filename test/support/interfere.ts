// Builds interfere.c, once per content, and gives the commands that run a plugin through it.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "../../engine/addon.mjs";
import { type ErrnoName, errno } from "../../src/sys/errno.ts";

const SOURCE = fileURLToPath(new URL("interfere.c", import.meta.url));
const DIRECTORY = fileURLToPath(new URL("../../build/test", import.meta.url));

/** Any number of processes may ask at once: each compiles to a name of its own and renames. */
function buildInterfere(): string {
  const digest = createHash("sha256").update(readFileSync(SOURCE)).digest("hex").slice(0, 16);
  const program = join(DIRECTORY, `interfere-${digest}-${process.arch}`);
  if (existsSync(program)) return program;
  mkdirSync(dirname(program), { recursive: true });
  const unfinished = `${program}.${process.pid}`;
  compile(["-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE", SOURCE, "-o", unfinished]);
  renameSync(unfinished, program);
  return program;
}

/** Through this the kernel has no nf_tables: socket(2) says EPROTONOSUPPORT to NETLINK_NETFILTER. */
export function withoutNetfilter(): readonly string[] {
  return [buildInterfere(), "refuse-netfilter"];
}

/** Through this a program is killed when it is about to make its `count`th system call; exit status 137 then. */
export function killedBefore(count: number): readonly string[] {
  return [buildInterfere(), "kill-before", String(count)];
}

/**
 * Through this a program's `count`th system call fails with this errno, and standard error says which it was:
 * `interfere: system call 257`. It says nothing where the program makes fewer.
 */
export function failingAt(count: number, error: ErrnoName): readonly string[] {
  return [buildInterfere(), "fail-at", String(count), String(errno(error))];
}

/** The exit status of what was killed. */
export const KILLED = 137;
