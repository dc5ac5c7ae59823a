// The index of test/support names every file there, once, and nothing else.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const DIRECTORY = join(import.meta.dirname, "../test/support");

it("test/support/README.md has a line for each file of test/support", () => {
  const index = readFileSync(join(DIRECTORY, "README.md"), "utf8");
  const named = [...index.matchAll(/^\| `([^`]+)` \| \S.* \|$/gm)].map(([, name]) => name);
  const files = readdirSync(DIRECTORY).filter((name) => name !== "README.md");
  expect(named.sort()).toEqual(files.sort());
});
