// Directories of the system that a test may write to, in the mount namespace of run-in-namespaces.sh: the machine's own stay as they
// are.

import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { requireNamespaces, run } from "./netns.ts";

/** Puts a directory of links to the machine's files over a directory; returns how to take that back. */
export function cover(directory: string): () => void {
  requireNamespaces();
  const real = `/run/real${directory.replaceAll("/", "-")}`;
  mkdirSync(real, { recursive: true });
  run("mount", "--bind", directory, real);
  run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", directory);
  for (const name of readdirSync(real)) symlinkSync(join(real, name), join(directory, name));
  return () => {
    run("umount", "-l", directory);
    run("umount", "-l", real);
  };
}

/** Covers `/etc`. */
export const coverEtc = (): (() => void) => cover("/etc");
