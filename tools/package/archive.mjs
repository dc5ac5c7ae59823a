// Archives that are the same whenever, wherever and by whomever they are made.

import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { run } from "./release.mjs";

/** @typedef {import("./release.mjs").Release} Release */

/**
 * Puts files into a directory, with the modes that they have in packages.
 * @param {string} directory
 * @param {Readonly<Record<string, { from: string } | { text: string }>>} files By their paths in the directory.
 * @param {readonly string[]} [executables] Those of the files that are programs.
 */
export function fill(directory, files, executables = []) {
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    if ("from" in content) copyFileSync(content.from, path);
    else writeFileSync(path, content.text);
    chmodSync(path, executables.includes(name) ? 0o755 : 0o644);
  }
}

/**
 * A tar archive of what the directory has, as bytes.
 * @param {Release} release
 * @param {string} directory
 * @param {readonly string[]} names
 */
export function tar({ time, work }, directory, names) {
  const file = join(work, "archive.tar");
  const same = ["--format=ustar", "--sort=name", `--mtime=@${time}`, "--owner=0", "--group=0", "--numeric-owner"];
  run("tar", [...same, "--create", "--file", file, "--directory", directory, "--", ...names]);
  return readFileSync(file);
}

/**
 * Node.js writes no time into the header.
 * @param {Uint8Array} bytes
 */
export function gzip(bytes) {
  return gzipSync(bytes, { level: 9 });
}
