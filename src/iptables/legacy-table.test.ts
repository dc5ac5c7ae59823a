import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type Interceptor, textOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import type { ErrnoName } from "../sys/errno.ts";
import { legacyNatTable } from "./legacy-table.ts";

const NAMES = /\/proc\/thread-self\/net\/ip6?_tables_names$/;

/** Every question about the kernel's list of tables fails so, and so does every question about a table. */
const failing = (list: ErrnoName, table: ErrnoName = "EPERM"): Interceptor => {
  return (name, [, path]) => {
    if (name === "openat" && NAMES.test(textOf(path))) return list;
    return name === "socket" || name === "getsockopt" ? table : undefined;
  };
};

const own = { prefix: "CNI-", includes: (name: string) => name.startsWith("CNI-") };

const { PATH } = process.env;
afterEach(() => {
  process.env["PATH"] = PATH;
});

/** From now on iptables says this of its version. */
function haveIptables(version: string): void {
  const directory = temporaryDirectory();
  for (const name of ["iptables-save", "ip6tables-save"]) {
    writeFileSync(join(directory, name), `#!/bin/sh\n[ "$*" = --version ] && echo '${version}'\n`);
    chmodSync(join(directory, name), 0o755);
  }
  process.env["PATH"] = `${directory}:${PATH}`;
}

describe.each([4, 6] as const)("legacyNatTable of IPv%i", (family) => {
  const table = (interceptor: Interceptor): unknown => withSyscalls(interceptor, () => legacyNatTable(family, own));

  it("is none where the kernel has no such tables", () => {
    expect(table(failing("ENOENT"))).toBeUndefined();
  });

  it("is not asked for in an ordinary user's namespace where iptables is not iptables-legacy", () => {
    haveIptables("iptables-save v1.8.9 (nf_tables)");
    expect(table(failing("EACCES"))).toBeUndefined();
  });

  it.each(["iptables-save v1.8.9 (legacy)", "iptables-save v1.6.1"])(
    "is asked for there where iptables is %s",
    (version) => {
      haveIptables(version);
      for (const code of ["ENOENT", "ENOPROTOOPT"] as const) expect(table(failing("EACCES", code))).toBeUndefined();
      expect(() => table(failing("EACCES", "EMFILE"))).toThrow("EMFILE");
    },
  );

  it("throws where it can't be asked", () => {
    expect(() => table(failing("EMFILE"))).toThrow("EMFILE");
  });
});
