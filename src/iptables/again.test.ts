import { describe, expect, it } from "vitest";
import { undisturbed } from "./again.ts";
import { IptablesError } from "./program.ts";

/** Work that fails so often, and counts how often it is tried. */
function failing(times: number, error: Error = new IptablesError("no")): { work: () => string; tried: () => number } {
  let count = 0;
  const work = (): string => {
    if (++count <= times) throw error;
    return "done";
  };
  return { work, tried: () => count };
}

describe("undisturbed", () => {
  it("returns what the work returns, and tries again where somebody has come in between", () => {
    const { work, tried } = failing(3);
    expect([undisturbed(work, () => true), tried()]).toEqual(["done", 4]);
  });

  it("throws at once where nobody has", () => {
    const { work, tried } = failing(1);
    expect(() => undisturbed(work, () => false)).toThrow(IptablesError);
    expect(tried()).toBe(1);
  });

  it("throws what is not iptables' error", () => {
    const { work, tried } = failing(1, new TypeError("ours"));
    expect(() => undisturbed(work, () => true)).toThrow(TypeError);
    expect(tried()).toBe(1);
  });

  it("gives up some time", () => {
    const { work, tried } = failing(1000);
    expect(() => undisturbed(work, () => true)).toThrow(IptablesError);
    expect(tried()).toBe(10);
  });
});
