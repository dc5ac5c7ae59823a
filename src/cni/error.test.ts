import { describe, expect, it } from "vitest";
import { CNI_CODE, CniError, formatError } from "./error.ts";

describe("CniError", () => {
  it("is an Error with a code, a message and details", () => {
    const error = new CniError(CNI_CODE.INVALID_CONFIG, "too small", "a /31 has no room");
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.message, error.details]).toEqual([
      "CniError",
      7,
      "too small",
      "a /31 has no room",
    ]);
  });

  it("remembers what it comes from, when it comes from something", () => {
    const cause = new Error("inner");
    expect(CniError.because(cause, 5, "outer").cause).toBe(cause);
    expect("cause" in new CniError(5, "outer")).toBe(false);
  });
});

describe("formatError()", () => {
  it("prints version, code, message and details in this order, indented by four", () => {
    expect(formatError(new CniError(7, "too small", "a /31"), "1.1.0")).toBe(
      '{\n    "cniVersion": "1.1.0",\n    "code": 7,\n    "msg": "too small",\n    "details": "a /31"\n}\n',
    );
  });

  it("leaves out details that are absent or empty", () => {
    for (const details of [undefined, ""]) {
      const json = JSON.parse(formatError(new CniError(4, "m", details), "0.4.0"));
      expect(json).toEqual({ cniVersion: "0.4.0", code: 4, msg: "m" });
    }
  });
});
