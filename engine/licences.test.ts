import { describe, expect, it } from "vitest";
import { ROOT } from "./executable.mjs";
import { npmPackages } from "./licences.mjs";

describe("the licence notices of npm packages", () => {
  it("are those of every package among the inputs, once each", () => {
    const inputs = [
      "src/main.ts",
      "node_modules/vitest/dist/index.js",
      "node_modules/@types/node/index.d.ts",
      "node_modules/vitest/dist/other.js",
    ];
    const notices = npmPackages(ROOT, inputs);
    expect(notices.map(({ name }) => name)).toEqual(["@types/node", "vitest"]);
    for (const { version, text } of notices) {
      expect(version).toMatch(/^\d+\.\d+\.\d+/);
      expect(text).toMatch(/MIT License.*Permission is hereby granted/s);
    }
  });
});
