import { describe, expect, it } from "vitest";
import { type Interceptor, textOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { legacyNatTable } from "./legacy-table.ts";

const NAMES = /\/proc\/thread-self\/net\/ip6?_tables_names$/;

/** Every question about the kernel's list of tables fails so. */
const failing = (code: "ENOENT" | "EACCES" | "EMFILE"): Interceptor => {
  return (name, [, path]) => (name === "openat" && NAMES.test(textOf(path)) ? code : undefined);
};

const own = { prefix: "CNI-", includes: (name: string) => name.startsWith("CNI-") };

describe("legacyNatTable", () => {
  it.each([4, 6] as const)("is none where the kernel has no such tables, IPv%i", (family) => {
    expect(withSyscalls(failing("ENOENT"), () => legacyNatTable(family, own))).toBeUndefined();
  });

  it.each([4, 6] as const)("is none that we may see in an ordinary user's namespace, IPv%i", (family) => {
    expect(withSyscalls(failing("EACCES"), () => legacyNatTable(family, own))).toBeUndefined();
  });

  it("throws where it can't be asked", () => {
    expect(() => withSyscalls(failing("EMFILE"), () => legacyNatTable(4, own))).toThrow("EMFILE");
  });
});
