import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { chooseEntries, ENTRIES, type Entry } from "./entries.mjs";

const entries: Entry[] = [
  { file: "test/all.test.ts", essential: true },
  { file: "test/some.test.ts", essential: "VLAN|port", except: "slow" },
  { file: "test/none.test.ts", essential: false, phase: "alone" },
];

describe("chooseEntries()", () => {
  it("takes all entries where no choice is made, without the tests that are left out", () => {
    expect(chooseEntries({}, entries)).toEqual([
      { file: "test/all.test.ts", phase: "all", pattern: undefined },
      { file: "test/some.test.ts", phase: "all", pattern: "^(?!.*(?:slow))" },
      { file: "test/none.test.ts", phase: "alone", pattern: undefined },
    ]);
  });

  it("takes the essential tests of each entry, which may be all of them", () => {
    const [all, some, ...others] = chooseEntries({ essential: true }, entries);
    expect([all?.pattern, others]).toEqual([undefined, []]);
    const pattern = new RegExp(some?.pattern ?? "");
    const names = ["a port", "adds a VLAN", "a slow VLAN", "another"];
    expect(names.filter((name) => pattern.test(name))).toEqual(["a port", "adds a VLAN"]);
  });

  it("takes only the tests of these names, and of those the essential ones", () => {
    const part: Entry = { file: "test/part.test.ts", essential: "VLAN", only: "^ptp" };
    const names = ["ptp", "ptp VLAN", "bridge VLAN"];
    const chosen = (essential: boolean): string[] => {
      const pattern = new RegExp(chooseEntries({ essential }, [part])[0]?.pattern ?? "");
      return names.filter((name) => pattern.test(name));
    };
    expect([chosen(false), chosen(true)]).toEqual([["ptp", "ptp VLAN"], ["ptp VLAN"]]);
  });

  it("takes the files whose names contain one of the texts", () => {
    const namesOf = (...only: string[]): string[] => chooseEntries({ only }, entries).map(({ file }) => file);
    expect(namesOf("none")).toEqual(["test/none.test.ts"]);
    expect(namesOf("none", "/al")).toEqual(["test/all.test.ts", "test/none.test.ts"]);
    expect(namesOf("other")).toEqual([]);
  });

  it("has only files that exist", () => {
    expect(ENTRIES.filter(({ file }) => !existsSync(file))).toEqual([]);
  });
});
