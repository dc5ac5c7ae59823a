// Builds a program of one C file of this directory, once for each content of the file.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "../../engine/addon.mjs";

const DIRECTORY = fileURLToPath(new URL("../../build/test", import.meta.url));

/** The path of the program `NAME.c`. Several processes may call this at once: each compiles to a name of its own, and renames. */
export function buildProgram(name: string): string {
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
  const digest = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 16);
  const program = join(DIRECTORY, `${name}-${digest}-${process.arch}`);
  if (existsSync(program)) return program;
  mkdirSync(dirname(program), { recursive: true });
  const unfinished = `${program}.${process.pid}`;
  compile(["-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE", source, "-o", unfinished]);
  renameSync(unfinished, program);
  return program;
}
