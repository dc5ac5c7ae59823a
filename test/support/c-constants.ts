// Compares our numbers with the C headers of the system.

import { spawnSync } from "node:child_process";

/** `{ RTM: { NEWLINK: 16 } }` as `[["RTM_NEWLINK", 16]]`. */
export function prefixed(groups: Readonly<Record<string, Readonly<Record<string, number>>>>): [string, number][] {
  return Object.entries(groups).flatMap(([group, members]) =>
    Object.entries(members).map(([name, value]): [string, number] => [`${group}_${name}`, value]),
  );
}

/** What the C compiler says of each name that has another value in these headers, or that they do not have. */
export function wrongConstants(
  headers: readonly string[],
  constants: Iterable<readonly [string, number]>,
  flags: readonly string[] = [],
  compiler: string = process.env["CC"] ?? "gcc",
): string[] {
  const source = headers.map((header) => `#include <${header}>`);
  for (const [name, value] of constants) source.push(`_Static_assert(${name} == ${value}, "${name} is not ${value}");`);
  const arguments_ = ["-fsyntax-only", "-fmax-errors=0", ...flags, "-x", "c", "-"];
  const { status, stderr, error } = spawnSync(compiler, arguments_, { input: source.join("\n"), encoding: "utf8" });
  if (error !== undefined) throw error;
  const errors = stderr.split("\n").filter((line) => line.includes("error:"));
  if ((status === 0) !== (errors.length === 0)) throw new Error(`${compiler} ended with ${status}: ${stderr}`);
  return errors;
}
