// A directory for one test, removed after it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Makes an empty directory in `parent` that goes when the running test ends. */
export function temporaryDirectory(parent: string = tmpdir()): string {
  const path = mkdtempSync(join(parent, "bauta-test-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
