import { describe, expect, it } from "vitest";
import { bundlePrograms, splitModules } from "./bundle.mjs";
import { ROOT } from "./executable.mjs";

describe("taking a bundle apart", () => {
  const code = [
    "var helper = 1;",
    "",
    "// src/a.ts",
    "var { a, b: [c, ...d], e = 2 } = x, f;",
    "// a remark",
    "// src/b.ts",
    "class g {}",
    "function h() {}",
  ].join("\n");

  it("cuts where the bundler names a file, and nowhere else", () => {
    const modules = splitModules(code, ["src/a.ts", "src/b.ts", "src/c.ts"]);
    expect(modules.map(({ source }) => source)).toEqual(["esbuild", "src/a.ts", "src/b.ts"]);
    expect(modules[1]?.code).toContain("// a remark");
  });

  it("knows what each module defines", () => {
    const modules = splitModules(code, ["src/a.ts", "src/b.ts"]);
    expect(modules.map(({ names }) => names)).toEqual([["helper"], ["a", "c", "d", "e", "f"], ["g", "h"]]);
  });

  it("leaves every line where it was, and makes each module strict", () => {
    const lines = code.split("\n");
    for (const module of splitModules(code, ["src/a.ts", "src/b.ts"])) {
      const own = module.code.split("\n");
      expect(module.code.trimStart()).toMatch(/^"use strict";/);
      const at = own.findIndex((line) => /var|class/.test(line));
      expect(own[at]?.replace('"use strict";', "")).toBe(lines[at]);
    }
  });

  it("refuses a module that would never be loaded", () => {
    expect(() => splitModules("// src/a.ts\nx.y = 1;", ["src/a.ts"])).toThrow("src/a.ts would never be loaded");
  });

  it("refuses what the engine hasn't got, naming the file", () => {
    expect(() => splitModules("// src/a.ts\nvar a = () => 'é'.normalize();", ["src/a.ts"])).toThrow(
      "src/a.ts uses what the engine leaves out: normalize",
    );
  });

  it("refuses a name that the engine has taken", () => {
    expect(() => splitModules("// src/a.ts\nfunction escape() {}", ["src/a.ts"])).toThrow("a global's: escape");
  });
});

describe("a bundle", () => {
  it("has each file once, however many programs use it, and finds each program's entry", async () => {
    const programs = ["one", "two"].map((name) => ({
      name,
      entry: `import { errno } from "./src/sys/errno.ts"; errno("${name === "one" ? "EPERM" : "ENOENT"}");`,
    }));
    const { modules, programs: found } = await bundlePrograms(ROOT, programs);
    expect(modules.map(({ source }) => source)).toEqual(["src/sys/errno.ts", "program:one", "program:two"]);
    expect([...found]).toEqual([
      ["one", 1],
      ["two", 2],
    ]);
    expect(modules[2]?.code).toContain('errno("ENOENT")');
  });

  it("renames what would collide with a global of the engine", async () => {
    const entry = 'import { Map } from "./src/sys/errno.ts"; new Map();';
    const replaced = { "src/sys/errno.ts": "export class Map {}" };
    const { modules } = await bundlePrograms(ROOT, [{ name: "one", entry }], replaced);
    expect(modules.flatMap(({ names }) => names)).toEqual(["Map2"]);
  });

  it("says where the TypeScript is wrong", async () => {
    await expect(bundlePrograms(ROOT, [{ name: "one", entry: "let a = ;" }])).rejects.toThrow("program:one:1:8");
  });
});
