// The state of src's modules is constant, or stands with its reason in CONTRIBUTING.md.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const SOURCES = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .map((name) => `src/${name}`)
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));

/** At the beginning of a line: a variable, an empty collection, or memory without contents. */
const STATE =
  /^(?:export )?(?:let (\w+)|const (\w+)(?:: (?!readonly )[^=]+)? = (?:new (?:Weak)?(?:Map|Set)(?:<.*>)?\(\)|new \w+Array\(\w+\)|Array\.from\(\{ length|\[\]|\{\}))/;

/** The names of the module-level state in a file, as `name` of `file`. */
function stateIn(text: string, file: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [, variable, constant] = STATE.exec(line) ?? [];
    const name = variable ?? constant;
    return name === undefined ? [] : [`\`${name}\` of \`${file}\``];
  });
}

describe("the list of module-level state in CONTRIBUTING.md", () => {
  it("has all that there is in src, and nothing else", () => {
    const listed =
      readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8").match(/^ {2}\* `\w+` of `src\/[\w/.-]+`/gm) ?? [];
    const found = SOURCES.flatMap((file) => stateIn(readFileSync(join(ROOT, file), "utf8"), file));
    expect(listed.map((line) => line.slice(4)).sort()).toEqual(found.sort());
  });

  it.each([
    "let last: number | undefined;",
    "export let last = 0;",
    "const known = new Map<string, Uint8Array>();",
    "const known = new Set();",
    "const buffer = new Uint8Array(32768);",
    "const buffer = new Uint8Array(SIZE);",
    "const spare = Array.from({ length: 3 }, () => new Uint8Array(1));",
    "const parts: string[] = [];",
  ])("would miss %s", (line) => {
    expect(stateIn(line, "src/x.ts")).toHaveLength(1);
  });

  it.each([
    "const OWN: ReadonlyMap<string, Ipam> = new Map([",
    "const TIME_OUT = new Int32Array([30, 0, 0, 0]);",
    '  let text = "";',
    "const KEYS = [1, 2];",
    "export const notices: readonly Notice[] = [];",
  ])("passes over %s", (line) => {
    expect(stateIn(line, "src/x.ts")).toEqual([]);
  });
});
