// An /etc that a test may write to, in the mount namespace of run-in-namespaces.sh: the machine's own stays as it is.

import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { requireNamespaces, run } from "./netns.ts";

const REAL = "/run/real-etc";

/** Puts a directory of links to the machine's files over /etc; returns how to take that back. */
export function coverEtc(): () => void {
  requireNamespaces();
  mkdirSync(REAL, { recursive: true });
  run("mount", "--bind", "/etc", REAL);
  run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/etc");
  for (const name of readdirSync(REAL)) symlinkSync(join(REAL, name), join("/etc", name));
  return () => {
    run("umount", "-l", "/etc");
    run("umount", "-l", REAL);
  };
}
