// SHA256SUMS: what `sha256sum --check` reads.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** @param {string | Uint8Array} content */
export function sha256(content) {
  return createHash("sha256").update(content).digest("hex");
}

/**
 * Writes the sums of all files of the directory. Returns the names of the files, this one included.
 * @param {string} directory
 */
export function writeSums(directory) {
  const names = readdirSync(directory).sort();
  const lines = names.map((name) => `${sha256(readFileSync(join(directory, name)))}  ${name}\n`);
  writeFileSync(join(directory, "SHA256SUMS"), lines.join(""));
  return [...names, "SHA256SUMS"];
}
