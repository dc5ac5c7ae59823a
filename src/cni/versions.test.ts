import { describe, expect, it } from "vitest";
import { checkVersion, formatVersions, isAtLeast, isSupported, SUPPORTED_VERSIONS } from "./versions.ts";

describe("isSupported()", () => {
  it("knows every released version and nothing else", () => {
    expect(SUPPORTED_VERSIONS.every(isSupported)).toBe(true);
    for (const other of ["", "1", "1.1", "1.1.0.0", "1.1.1", "0.5.0", "v1.1.0", " 1.1.0"]) {
      expect(isSupported(other), other).toBe(false);
    }
  });
});

describe("isAtLeast()", () => {
  it("orders versions by age", () => {
    expect(isAtLeast("0.3.1", "0.3.0")).toBe(true);
    expect(isAtLeast("1.0.0", "1.0.0")).toBe(true);
    expect(isAtLeast("0.4.0", "1.0.0")).toBe(false);
  });
});

describe("checkVersion()", () => {
  it("returns a version that has the operation", () => {
    expect(checkVersion("0.1.0", "ADD")).toBe("0.1.0");
    expect(checkVersion("0.4.0", "CHECK")).toBe("0.4.0");
    expect(checkVersion("1.1.0", "STATUS")).toBe("1.1.0");
  });

  it("refuses an unknown version with code 1, saying which it is and which there are", () => {
    expect(() => checkVersion("1.2.0", "ADD")).toThrow(
      expect.objectContaining({
        code: 1,
        message: "incompatible CNI versions",
        details: 'config is "1.2.0", plugin supports ["0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0" "1.0.0" "1.1.0"]',
      }),
    );
  });

  it.each([
    ["0.3.1", "CHECK"],
    ["1.0.0", "GC"],
    ["1.0.0", "STATUS"],
    ["0.1.0", "STATUS"],
  ])("refuses %s for %s with code 1", (version, command) => {
    expect(() => checkVersion(version, command)).toThrow(
      expect.objectContaining({ code: 1, message: `config version does not allow ${command}` }),
    );
  });
});

describe("formatVersions()", () => {
  it("is one line of JSON", () => {
    expect(formatVersions()).toBe(
      '{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}\n',
    );
  });
});
