// Builds the Node-API twin of the engine functions into build/, once per content of its sources.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ENGINE = dirname(fileURLToPath(import.meta.url));
const SOURCES = ["napi.c", "host.c", "host.h", "sha512.c", "sha512.h", "attributes.c", "attributes.h"];
const FLAGS = ["-O2", "-g", "-Wall", "-Wextra", "-fPIC", "-shared", "-D_GNU_SOURCE", "-DNAPI_VERSION=8"];

/**
 * The path of the addon. The addon is compiled first where none of these sources exists yet. Any number of processes may
 * call this at once: each compiles to a name of its own and renames the file.
 * @returns {string}
 */
export function buildAddon() {
  const hash = createHash("sha256").update(FLAGS.join(" "));
  for (const source of SOURCES) hash.update(readFileSync(join(ENGINE, source)));
  const directory = join(ENGINE, "..", "build", "addon");
  const addon = join(directory, `engine-${hash.digest("hex").slice(0, 16)}-${process.arch}.node`);
  if (existsSync(addon)) return addon;

  const headers = createRequire(import.meta.url)("node-api-headers").include_dir;
  const inputs = SOURCES.filter((source) => source.endsWith(".c")).map((source) => join(ENGINE, source));
  const unfinished = `${addon}.${process.pid}`;
  mkdirSync(directory, { recursive: true });
  compile([...FLAGS, "-I", headers, ...inputs, "-o", unfinished]);
  renameSync(unfinished, addon);
  return addon;
}

/**
 * Runs the C compiler, $CC or gcc.
 * @param {readonly string[]} args
 */
export function compile(args) {
  const { CC: compiler = "gcc" } = process.env;
  try {
    execFileSync(compiler, args, { stdio: ["ignore", "inherit", "inherit"] });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      const advice = "install it with `apt-get install gcc libc6-dev`, or name another with CC=";
      throw new Error(`the C compiler ${compiler} is not installed: ${advice}`, { cause: error });
    }
    throw error;
  }
}
