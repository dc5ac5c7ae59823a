import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { CHANGES, patchedEngine } from "./patch.mjs";

const directory = mkdtempSync(join(tmpdir(), "bauta-patch-"));
afterAll(() => rmSync(directory, { recursive: true }));

function patched(...texts: readonly string[]): string {
  writeFileSync(join(directory, "quickjs.c"), texts.join("\n"));
  return readFileSync(patchedEngine(directory, join(directory, "patched")), "utf8");
}

describe("the engine's source", () => {
  const all = CHANGES.map(({ from }) => from);

  it("gets each change in its place, and no other", () => {
    expect(patched("begin", ...all, "end")).toBe(["begin", ...CHANGES.map(({ to }) => to), "end"].join("\n"));
  });

  it("is refused where a change has no place, or two", () => {
    expect(() => patched(...all.slice(1))).toThrow(/ 0 times, not once/);
    expect(() => patched(...all, String(all[0]))).toThrow(/ 2 times, not once/);
  });
});
