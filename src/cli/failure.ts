// What to tell a person about an error: what could not be done and, where we know it, what to do.

import { CniError } from "../cni/error.ts";
import { hasCode } from "../sys/error.ts";

const PERMISSION = "it needs CAP_NET_ADMIN, and to read /run/bauta: run it as root";
const NO_NFTABLES = "is nf_tables there? It may have to be loaded: modprobe nf_tables";
const BUG = "this is a mistake in bauta; please report it with these lines";

/** What the engine throws where the program is wrong. */
const BUGS = ["TypeError", "ReferenceError", "RangeError", "SyntaxError", "InternalError"];

/**
 * The error's message, those of its causes, and advice, a line each; of an error that CNI has a code for, the code; for a mistake
 * of ours where it was made.
 */
export function explain(error: unknown, mapStack: (stack: string) => string): string[] {
  const lines: string[] = [];
  let code: number | undefined;
  for (let at: unknown = error; at !== undefined; at = at instanceof Error ? at.cause : undefined) {
    lines.push(at instanceof Error ? at.message : String(at));
    if (!(at instanceof CniError)) continue;
    code ??= at.code;
    if (at.details !== undefined && at.details !== "") lines.push(at.details);
  }
  if (error instanceof Error && BUGS.includes(error.name)) {
    const stack = mapStack(error.stack ?? "").split("\n");
    return [`${error.name}: ${lines.join(": ")}`, ...stack.filter((line) => /^ +at /.test(line)), BUG];
  }
  if (code !== undefined) return [...lines, `CNI error code ${code}`];
  if (hasCode(error, "EPERM", "EACCES")) lines.push(PERMISSION);
  else if (hasCode(error, "EPROTONOSUPPORT", "EAFNOSUPPORT", "EOPNOTSUPP", "EINVAL")) lines.push(NO_NFTABLES);
  return lines;
}
