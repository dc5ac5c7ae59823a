// The packages of the release, made of the executable that was built.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll } from "vitest";
import { aptEnvironment } from "../../engine/source.mjs";

/** When the sources of a release were committed, say. */
export const RELEASED = 1_700_000_000;

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Makes the packages, in a directory that is removed after the last test of the file, or in a directory below the one that is
 * given. Returns the directory.
 */
export function makePackages(parent?: string): string {
  const directory = mkdtempSync(join(parent ?? tmpdir(), "bauta-packages-"));
  if (parent === undefined) afterAll(() => rmSync(directory, { recursive: true, force: true }));
  packageInto(resolve("."), directory);
  return directory;
}

/** Makes the packages of the executable in `root`, which is a clone of this repository. */
export function packageInto(root: string, output: string, env: NodeJS.ProcessEnv = process.env): void {
  const { status, stderr } = spawnSync("node", [join(root, "tools/package/main.mjs"), "--output", output], {
    encoding: "utf8",
    env: { ...env, SOURCE_DATE_EPOCH: String(RELEASED) },
  });
  if (status !== 0) throw new Error(`npm run package: status ${status}: ${stderr}`);
}

/** The path of the package whose name matches; there must be one. */
export function packageNamed(directory: string, pattern: RegExp): string {
  const names = readdirSync(directory).filter((name) => pattern.test(name));
  const [name] = names;
  if (name === undefined || names.length > 1) throw new Error(`${names.length} packages match ${pattern}: ${names}`);
  return join(directory, name);
}

/** Runs a program of Debian's own, which may run others of the machine's. Throws with what it said when it fails. */
export function runOnMachine(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", env: aptEnvironment() });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: status ${status}: ${stdout}${stderr}`);
  return stdout;
}

/** Runs a program, and leaves it to the caller what to think of its end. */
export function ended(program: string, ...args: readonly string[]): Ended {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  return { status, stdout, stderr };
}
