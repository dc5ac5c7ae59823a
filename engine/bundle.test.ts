import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { bundlePrograms } from "./bundle.mjs";
import { ROOT } from "./executable.mjs";

/** What the bundle's code leaves behind. */
function finderOf(code: string): (called: string) => (() => unknown) | undefined {
  const global: { bautaProgram?: ReturnType<typeof finderOf> } = {};
  runInNewContext(code, global);
  return (called) => global.bautaProgram?.(called);
}

describe("a bundle", () => {
  it("hands out each program as a function, and has each file once however many use it", async () => {
    const programs = ["EPERM", "ENOENT"].map((name) => ({
      name,
      entry: `import { errno } from "./src/sys/errno.ts"; export const main = () => errno("${name}");`,
    }));
    const { code, inputs } = await bundlePrograms(ROOT, programs);
    const find = finderOf(code);
    expect(["EPERM", "ENOENT", "any-prefix-ENOENT"].map((called) => find(called)?.())).toEqual([1, 2, 2]);
    expect(code.split("// src/sys/errno.ts")).toHaveLength(2);
    expect(inputs).toContain("src/sys/errno.ts");
  });

  it("has no program that nobody gave it", async () => {
    const { code } = await bundlePrograms(ROOT, [{ name: "one", entry: "export const main = () => 1;" }]);
    expect(["toString", "two", "", "one-"].map(finderOf(code))).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("is the command under a name that is no plugin's", async () => {
    const entry = "export const main = () => 1;";
    const { code } = await bundlePrograms(ROOT, [{ name: "bauta", entry }]);
    expect(["bauta", "other", "my-bauta", ""].map((called) => finderOf(code)(called)?.())).toEqual([1, 1, 1, 1]);
  });

  it("is strict, and leaves no other name behind", async () => {
    const entry = "let inside = 0; export const main = function (this: unknown) { return [this, inside]; };";
    const { code } = await bundlePrograms(ROOT, [{ name: "one", entry }]);
    const global: Record<string, unknown> = {};
    runInNewContext(code, global);
    expect(Object.keys(global)).toEqual(["bautaProgram"]);
    const main = finderOf(code)("one");
    expect(main?.()).toEqual([undefined, 0]);
  });

  it("says where the TypeScript is wrong", async () => {
    await expect(bundlePrograms(ROOT, [{ name: "one", entry: "let a = ;" }])).rejects.toThrow("program:one:1:8");
  });

  it("refuses what the engine hasn't got, naming the file", async () => {
    const entry = 'import { errno } from "./src/sys/errno.ts"; export const main = () => errno("EPERM");';
    const replaced = { "src/sys/errno.ts": "export const errno = (name: string) => name.normalize();" };
    await expect(bundlePrograms(ROOT, [{ name: "one", entry }], replaced)).rejects.toThrow(
      "src/sys/errno.ts uses what the engine leaves out: normalize",
    );
  });
});
