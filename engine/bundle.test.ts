import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { bundlePrograms } from "./bundle.mjs";
import { ROOT } from "./executable.mjs";

/** What the bundle's code leaves behind. */
function programsOf(code: string): Record<string, () => unknown> {
  const global: { bautaPrograms?: Record<string, () => unknown> } = {};
  runInNewContext(code, global);
  return global.bautaPrograms ?? {};
}

describe("a bundle", () => {
  it("hands out each program as a function, and has each file once however many use it", async () => {
    const programs = ["EPERM", "ENOENT"].map((name) => ({
      name,
      entry: `import { errno } from "./src/sys/errno.ts"; export const main = () => errno("${name}");`,
    }));
    const { code, inputs } = await bundlePrograms(ROOT, programs);
    const found = programsOf(code);
    expect(Object.entries(found).map(([name, main]) => [name, main()])).toEqual([
      ["EPERM", 1],
      ["ENOENT", 2],
    ]);
    expect(code.split("// src/sys/errno.ts")).toHaveLength(2);
    expect(inputs).toContain("src/sys/errno.ts");
  });

  it("has no program that nobody gave it", async () => {
    const { code } = await bundlePrograms(ROOT, [{ name: "one", entry: "export const main = () => 1;" }]);
    expect(programsOf(code)["toString"]).toBe(undefined);
  });

  it("is strict, and leaves no other name behind", async () => {
    const entry = "let inside = 0; export const main = function (this: unknown) { return [this, inside]; };";
    const { code } = await bundlePrograms(ROOT, [{ name: "one", entry }]);
    const global: Record<string, unknown> = {};
    runInNewContext(code, global);
    expect(Object.keys(global)).toEqual(["bautaPrograms"]);
    const main = programsOf(code)["one"];
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
