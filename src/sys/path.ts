// Paths as text.

import { readLink } from "./file.ts";

/**
 * The path from the root on, without `.`, `..` and empty parts, as Go's filepath.Abs has it: by the text alone, so `..` behind a
 * symbolic link is not where the kernel would go. Throws SyscallError where there is no /proc.
 */
export function absolutePath(path: string): string {
  const whole = path.startsWith("/") ? path : `${readLink("/proc/self/cwd")}/${path}`;
  const parts: string[] = [];
  for (const part of whole.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
