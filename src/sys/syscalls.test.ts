// The tables against the numbers in the system's own headers (linux-libc-dev), as the C preprocessor sees them.

import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { errno, errnoName } from "./errno.ts";
import { SYSCALL_TABLES } from "./syscalls.ts";

/** What arch/arm64/include/uapi/asm/unistd.h defines before it includes the generic table. */
const ARM64 = ["RENAMEAT", "NEW_STAT", "SET_GET_RLIMIT", "TIME32_SYSCALLS", "SYS_CLONE3"];

/** Every macro that a header defines, by name. */
function macros(header: string, defines: readonly string[] = []): ReadonlyMap<string, string> {
  const args = ["-E", "-dM", "-x", "c", ...defines.map((name) => `-D${name}`), "-"];
  const text = execFileSync("gcc", args, { input: `#include <${header}>\n`, encoding: "utf8" });
  const lines = text.matchAll(/^#define (\w+) (.+)$/gm);
  return new Map([...lines].map(([, name = "", value = ""]) => [name, value]));
}

/** The number behind a macro, through others if need be: __NR_fcntl is __NR3264_fcntl is 25. */
function numberOf(all: ReadonlyMap<string, string>, name: string): number {
  const value = all.get(name);
  if (value === undefined) return Number.NaN;
  return all.has(value) ? numberOf(all, value) : Number(value);
}

/** The table as the headers have it, for the same names. */
function inHeaders(all: ReadonlyMap<string, string>, names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, numberOf(all, `__NR_${name}`)]));
}

describe("system call numbers", () => {
  const { x64, arm64 } = SYSCALL_TABLES;

  it("are those of the kernel's generic table on arm64", () => {
    const headers = macros("asm-generic/unistd.h", [
      "__BITS_PER_LONG=64",
      ...ARM64.map((name) => `__ARCH_WANT_${name}`),
    ]);
    expect(arm64).toEqual(inHeaders(headers, Object.keys(arm64)));
  });

  it(`are those of this machine, ${process.arch}`, () => {
    const table = process.arch === "x64" ? x64 : arm64;
    expect(table).toEqual(inHeaders(macros("asm/unistd.h"), Object.keys(table)));
  });

  it("cover the same calls on both machines", () => {
    expect(Object.keys(x64).sort()).toEqual(Object.keys(arm64).sort());
  });
});

describe("error numbers", () => {
  const headers = macros("errno.h");
  /** EWOULDBLOCK, EDEADLOCK and ENOTSUP are second names. */
  const inErrno = [...headers.keys()].filter(
    (name) => /^E[A-Z0-9]+$/.test(name) && /^\d+$/.test(headers.get(name) ?? ""),
  );

  it("are those of the C library's header, every one", () => {
    expect(inErrno.length).toBeGreaterThan(120);
    const wrong = inErrno.filter((name) => errnoName(Number(headers.get(name))) !== name);
    expect(wrong).toEqual([]);
  });

  it("are found by name", () => {
    expect([errno("EPERM"), errno("ENOENT"), errno("ERESTART")]).toEqual([1, 2, 85]);
  });
});
