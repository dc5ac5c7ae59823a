// Builds interfere.c once for each content of the file, and gives the commands that run a plugin through it.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "../../engine/addon.mjs";
import { type ErrnoName, errno } from "../../src/sys/errno.ts";

const SOURCE = fileURLToPath(new URL("interfere.c", import.meta.url));
const DIRECTORY = fileURLToPath(new URL("../../build/test", import.meta.url));

/** Several processes may call this at once: each compiles to a name of its own, and renames the result. */
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

/** A program that this command runs finds no nf_tables: socket(2) refuses NETLINK_NETFILTER with EPROTONOSUPPORT. */
export function withoutNetfilter(): readonly string[] {
  return [buildInterfere(), "refuse-netfilter"];
}

/** A program that this command runs is killed just before its `count`th system call. The exit status is 137 then. */
export function killedBefore(count: number): readonly string[] {
  return [buildInterfere(), "kill-before", String(count)];
}

/**
 * The `count`th system call of a program that this command runs fails with this errno. Standard error names the call by its
 * number, `interfere: system call 257`; it is empty where the program makes fewer calls.
 */
export function failingAt(count: number, error: ErrnoName): readonly string[] {
  return [buildInterfere(), "fail-at", String(count), String(errno(error))];
}

/** The exit status of a program that was killed. */
export const KILLED = 137;
