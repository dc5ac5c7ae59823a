import { describe, expect, it } from "vitest";
import { withSyscalls } from "../../../test/support/intercept-syscalls.ts";
import type { Element } from "../../nftables/element.ts";
import type { Change } from "../../nftables/monitor.ts";
import { NFPROTO } from "../../nftables/uapi.ts";
import { attachmentId } from "../../owned/id.ts";
import { KnownNames } from "./known-names.ts";

const inTable = { family: NFPROTO.IPV4, table: "bauta_masquerade" };
const owners = { ...inTable, set: "owners" };
const policies = { ...inTable, set: "policies" };

const address = (n: number): Uint8Array => Uint8Array.of(10, n >> 16, (n >> 8) & 0xff, n & 0xff);
const owner = (n: number): Element => ({
  key: address(n),
  data: attachmentId({ network: "dual", containerId: `c${n}`, ifname: "eth0" }),
  comment: `dual eth0 10.0.0.0/24 c${n}`,
});

/** Whose the policy of an address is. */
const asked = (names: KnownNames, n: number): string | undefined =>
  names.nameOf("delete", policies, { key: address(n) })?.containerId;

/** Runs without records. */
function withoutRecords(work: () => void): void {
  withSyscalls((name) => (name === "openat" ? "ENOENT" : undefined), work);
}

describe("KnownNames", () => {
  it("still knows what was deleted a while ago, not what was deleted long ago, and always what is there", () => {
    const names = new KnownNames();
    const see = (change: Change, n: number): void => void names.nameOf(change, owners, owner(n));
    withoutRecords(() => {
      for (const n of [1, 2, 3]) see("new", n);
      see("delete", 1);
      see("delete", 2);
      see("new", 2); // and is back
      expect([1, 2, 3].map((n) => asked(names, n))).toEqual(["c1", "c2", "c3"]);
      for (let n = 10; n < 10_000; n++) {
        see("new", n);
        see("delete", n);
      }
      expect([1, 2, 3].map((n) => asked(names, n))).toEqual([undefined, "c2", "c3"]);
      expect([10, 9999].map((n) => asked(names, n))).toEqual([undefined, "c9999"]);
    });
  });

  it("knows nothing of other programs' sets, even those that bauta's are named after", () => {
    const names = new KnownNames();
    withoutRecords(() => {
      expect(names.nameOf("new", { ...owners, table: "other" }, owner(1))).toBeUndefined();
      expect(names.nameOf("new", { ...owners, set: "other" }, owner(1))).toBeUndefined();
      expect(names.nameOf("new", owners, { key: address(1), comment: "dual eth0 10.0.0.1/24 c1" })).toBeUndefined();
    });
  });
});
