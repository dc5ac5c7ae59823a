// Directories of the system that a test may write to, in the mount namespace of run-in-namespaces.sh: the machine's own stay as they
// are.

import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { requireNamespaces, run } from "./netns.ts";

/**
 * Puts a directory of links to the machine's files over a directory; returns how to take that back.
 * @param aside Where the machine's directory is to be seen from now on, in a directory of its own.
 */
export function cover(directory: string, aside = "/run"): () => void {
  requireNamespaces();
  const real = `${aside}/real${directory.replaceAll("/", "-")}`;
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
