// Running another program: CNI delegates, and the iptables back end where it is asked for.

import { engine, type SpawnResult } from "./engine.ts";
import { errno } from "./errno.ts";
import { SyscallError } from "./error.ts";

const OUTPUT_LIMIT = 32 << 20;

/** What fits into a message for people. */
const ERROR_LIMIT = 4096;

/**
 * Runs an executable to its end with this standard input and returns what it printed. Standard error passes through,
 * unless `keepsErrors`: then its first 4 KiB are returned. The child inherits no other descriptor. Throws SyscallError
 * when it can't be started, prints more than 32 MiB, or has not ended after `timeoutMs`: ETIMEDOUT, and the child has been
 * killed with its children.
 */
export function spawn(
  path: string,
  argv: readonly string[],
  environment: readonly string[],
  stdin: Uint8Array,
  { keepsErrors = false, timeoutMs = 0 }: { readonly keepsErrors?: boolean; readonly timeoutMs?: number } = {},
): SpawnResult {
  const result = engine.spawn(
    path,
    argv,
    environment,
    stdin,
    OUTPUT_LIMIT,
    keepsErrors ? ERROR_LIMIT : undefined,
    timeoutMs,
  );
  if (typeof result !== "number") return result;
  const operation =
    result === -errno("EMSGSIZE")
      ? `keep the output of ${path} (over ${OUTPUT_LIMIT} bytes)`
      : result === -errno("ETIMEDOUT")
        ? `wait for ${path} longer than ${timeoutMs / 1000} s`
        : `run ${path}`;
  throw new SyscallError("execve", -result, operation);
}
