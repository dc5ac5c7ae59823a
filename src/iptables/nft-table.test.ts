import { describe, expect, it } from "vitest";
import { type Answer, ack, answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { Connection } from "../netlink/connection.ts";
import { Nftables } from "../nftables/nftables.ts";
import { errno } from "../sys/errno.ts";
import { nftNatTable } from "./nft-table.ts";

const open = (...answers: readonly Answer[]): Nftables => new Nftables(new Connection(new FakeKernel(...answers)));
const refuse = (code: "ENOENT" | "EINVAL" | "EOPNOTSUPP" | "EPERM"): Answer => {
  return (requests) => requests.map((request) => ack(request, errno(code)));
};

const own = { prefix: "CNI-", includes: (name: string) => name.startsWith("CNI-") };

describe("nftNatTable", () => {
  it.each(["ENOENT", "EINVAL", "EOPNOTSUPP"] as const)("is none where the kernel says %s", (code) => {
    expect(nftNatTable(open(refuse(code)), 4, own)).toBeUndefined();
  });

  it("throws another refusal", () => {
    expect(() => nftNatTable(open(refuse("EPERM")), 6, own)).toThrow("cannot get table ip6 nat: EPERM");
  });

  it("gives up when somebody is always faster", () => {
    const NEWTABLE = (10 << 8) | 0;
    const named = answerWith(NEWTABLE, () => [Uint8Array.of(2, 0, 0, 0, 8, 0, 1, 0, 110, 97, 116, 0)]);
    const empty = answerWith(0, () => []);
    const refused: Answer = (requests) => requests.map((request) => ack(request, errno("EBUSY")));
    let asked = 0;
    // The list of rules, whether the chain is there, the transaction.
    const busy: Answer = (requests) => (++asked % 3 === 0 ? refused(requests.slice(0, 1)) : empty(requests));
    const table = nftNatTable(open(named, busy), 4, own);
    expect(() => table?.remove(() => ({ jumps: [], chains: ["CNI-0123456789abcdef01234567"] }))).toThrow("EBUSY");
    expect(asked).toBe(60);
  });
});
