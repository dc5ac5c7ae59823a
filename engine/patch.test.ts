import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { CHANGES, patchedEngine, RELIED_ON } from "./patch.mjs";

const directory = mkdtempSync(join(tmpdir(), "bauta-patch-"));
afterAll(() => rmSync(directory, { recursive: true }));

function patched(...texts: readonly string[]): string {
  writeFileSync(join(directory, "quickjs.c"), texts.join("\n"));
  return readFileSync(patchedEngine(directory, join(directory, "patched")), "utf8");
}

describe("the engine's source", () => {
  const all = CHANGES.map(({ from }) => from);

  it("gets each change in its place, and no other", () => {
    expect(patched("begin", ...all, RELIED_ON, "end")).toBe(
      ["begin", ...CHANGES.map(({ to }) => to), RELIED_ON, "end"].join("\n"),
    );
  });

  it("is refused where a change has no place, or two", () => {
    expect(() => patched(RELIED_ON, ...all.slice(1))).toThrow(/ 0 times, not once/);
    expect(() => patched(RELIED_ON, ...all, String(all[0]))).toThrow(/ 2 times, not once/);
  });

  it("is refused where it is otherwise than the C functions rely on", () => {
    expect(() => patched(...all)).toThrow(/ 0 times, not once \(engine\/functions.c relies on it\)/);
  });
});
