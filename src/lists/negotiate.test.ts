import { describe, expect, it } from "vitest";
import { negotiate } from "./negotiate.ts";

describe("negotiate()", () => {
  it.each([
    ["", ["0.4.0", "1.1.0", "1.0.0"], "1.1.0"],
    ["1.1.0", ["0.4.0", "1.0.0"], "1.1.0"],
    ["0.3.1", ["0.4.0", "1.0.0"], "1.0.0"],
    ["0.3.1", ["1.2.0", "2"], "0.3.1"],
    ["", ["1.2.0", "10.0.0"], ""],
    ["1.2.0", ["1.3.0"], "1.2.0"],
    ["0.4.0", [], "0.4.0"],
    ["0.4.0", ["1.0"], "1.0"],
    ["0.10.0", ["0.9.0"], "0.10.0"],
    ["", ["", "0.0.9"], ""],
  ])("takes of %j and %j the newest that is no newer than ours: %j", (version, versions, chosen) => {
    expect(negotiate(version, versions, "cniVersions")).toBe(chosen);
  });

  it.each(["x", "1.x", "1.0.0.0", "-1", "1.", " 1.0.0"])("refuses %j", (version) => {
    expect(() => negotiate("1.0.0", [version], "net.conflist: cniVersions")).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringContaining("net.conflist: cniVersions") }),
    );
  });
});
