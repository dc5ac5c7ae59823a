import { describe, expect, it } from "vitest";
import { type Interceptor, textOf, withSyscalls } from "../../../test/support/intercept-syscalls.ts";
import { IPTABLES_RECORDS, iptablesRecords } from "./records.ts";

const A = { network: "dual", containerId: "c1", ifname: "eth0" };

/** As where nothing is there, or is not to be read; what is written is tested on a node (test/kernel/iptables.test.ts). */
const failing = (code: "ENOENT" | "EACCES"): Interceptor => {
  return (name, [, path]) => (name === "openat" && textOf(path).startsWith(IPTABLES_RECORDS) ? code : undefined);
};

describe("records", () => {
  it("are none where there is no directory", () => {
    withSyscalls(failing("ENOENT"), () => {
      expect(iptablesRecords.list()).toEqual([]);
      expect(iptablesRecords.read(A)).toBeUndefined();
    });
  });

  it("throw where the directory can't be read", () => {
    withSyscalls(failing("EACCES"), () => expect(() => iptablesRecords.list()).toThrow("EACCES"));
  });
});
