import { execFileSync } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { prefixed, wrongConstants } from "../../test/support/c-constants.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { type ErrnoName, errno, errnoName, errnoText } from "./errno.ts";
import { AT_FDCWD, O } from "./fd.ts";
import { POLL } from "./poll.ts";

/** Every number that has a name. */
const NAMED = Array.from({ length: 140 }, (_, i) => i).filter((number) => !/^E[0-9]+$/.test(errnoName(number)));

describe("errno", () => {
  it("every number is that of the system's headers", () => {
    const numbers = NAMED.map((number) => [errnoName(number), number] as const);
    expect(wrongConstants(["errno.h"], numbers)).toEqual([]);
    expect(NAMED.length).toBeGreaterThan(125);
  });

  it("every name that Node knows is known, or is another name of one", () => {
    for (const number of Object.values(constants.errno)) expect(NAMED).toContain(number);
  });

  it("goes from name to number and back", () => {
    expect(NAMED.map((number) => errno(errnoName(number) as ErrnoName))).toEqual(NAMED);
  });

  it("names a number that Linux does not by itself", () => {
    expect(errnoName(4095)).toBe("E4095");
    expect(errnoText(4095)).toBe("Unknown error");
  });

  it("says what strerror(3) says", () => {
    const program = join(temporaryDirectory(), "strerror");
    const source = `#include <stdio.h>
#include <string.h>
int main(void) { for (int i = 1; i < 134; i++) puts(strerror(i)); }`;
    const { CC: compiler = "gcc" } = process.env;
    execFileSync(compiler, ["-x", "c", "-", "-o", program], { input: source });
    const texts = execFileSync(program, { encoding: "utf8", env: { LC_ALL: "C" } }).split("\n");
    expect(NAMED.map(errnoText)).toEqual(NAMED.map((number) => texts[number - 1]));
  });
});

it("the flags of open and the events of poll are those of the system's headers", () => {
  const events = prefixed({ POLL }).map(([name, value]): [string, number] => [name.replace("_", ""), value]);
  expect(wrongConstants(["poll.h"], events)).toEqual([]);
  expect(wrongConstants(["fcntl.h"], [...prefixed({ O }), ["AT_FDCWD", AT_FDCWD]])).toEqual([]);
});
