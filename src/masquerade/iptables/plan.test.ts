import { describe, expect, it } from "vitest";
import { jumpsIn, readListing } from "../../iptables/listing.ts";
import { type Cidr, parseCidr } from "../../wire/ip.ts";
import { OWN_CHAINS } from "./names.ts";
import { faultsIn, freshLines, mergedLines } from "./plan.ts";

const A = { network: "dual", containerId: "c1", ifname: "eth0" };
const CHAIN = "CNI-0123456789abcdef01234567";
const cidr = (text: string): Cidr => parseCidr(text) ?? { ip: new Uint8Array(4), prefixLength: 0 };
const COMMENT = '-m comment --comment "name: \\"dual\\" id: \\"c1\\""';

/** What iptables-save prints of lines for iptables-restore. */
function listing(lines: readonly string[], before = ""): ReturnType<typeof readListing> {
  const made = lines.filter((line) => line.startsWith("-N ") || line.startsWith(":")).map((line) => line.slice(1));
  const chains = made.map((line) => `:${line.replace(/^N /, "").split(" ")[0]} - [0:0]`);
  const rules = lines.filter((line) => line.startsWith("-A"));
  return readListing(
    ["# Generated", "*nat", ":POSTROUTING ACCEPT [7:8]", ...chains, before, ...rules, "COMMIT"].join("\n"),
  );
}

describe("freshLines", () => {
  it("make the chain, which must not exist, and lead the address there", () => {
    expect(freshLines(A, 4, [cidr("10.22.0.5/16")], CHAIN)).toEqual([
      `-N ${CHAIN}`,
      `-A ${CHAIN} -d 10.22.0.0/16 ${COMMENT} -j ACCEPT`,
      `-A ${CHAIN} ! -d 224.0.0.0/4 ${COMMENT} -j MASQUERADE`,
      `-A POSTROUTING -s 10.22.0.5/32 ${COMMENT} -j ${CHAIN}`,
    ]);
  });

  it("accept every subnet before anything is masqueraded, and none twice", () => {
    const lines = freshLines(A, 6, ["fd00:1::5/64", "fd00:2::5/64", "fd00:1::6/64"].map(cidr), CHAIN);
    expect(lines.map((line) => line.replace(` ${COMMENT}`, ""))).toEqual([
      `-N ${CHAIN}`,
      `-A ${CHAIN} -d fd00:1::/64 -j ACCEPT`,
      `-A ${CHAIN} -d fd00:2::/64 -j ACCEPT`,
      `-A ${CHAIN} ! -d ff00::/8 -j MASQUERADE`,
      `-A POSTROUTING -s fd00:1::5/128 -j ${CHAIN}`,
      `-A POSTROUTING -s fd00:2::5/128 -j ${CHAIN}`,
      `-A POSTROUTING -s fd00:1::6/128 -j ${CHAIN}`,
    ]);
  });
});

describe("mergedLines", () => {
  const [first, second] = [cidr("10.22.0.5/16"), cidr("10.23.0.5/16")];

  it("add what is missing, the subnet in front of the masquerade", () => {
    const there = listing(freshLines(A, 4, [first], CHAIN));
    expect(mergedLines(A, 4, [second], CHAIN, there).map((line) => line.replace(` ${COMMENT}`, ""))).toEqual([
      `-I ${CHAIN} -d 10.23.0.0/16 -j ACCEPT`,
      `-A POSTROUTING -s 10.23.0.5/32 -j ${CHAIN}`,
    ]);
  });

  it("are none where all is there, and complete what is not", () => {
    const fresh = freshLines(A, 4, [first, second], CHAIN);
    expect(mergedLines(A, 4, [first, second], CHAIN, listing(fresh))).toEqual([]);
    const half = fresh.filter((line) => !/MASQUERADE|10\.22/.test(line));
    expect(
      mergedLines(A, 4, [first, second], CHAIN, listing(half)).map((line) => line.replace(` ${COMMENT}`, "")),
    ).toEqual([
      `-I ${CHAIN} -d 10.22.0.0/16 -j ACCEPT`,
      `-A ${CHAIN} ! -d 224.0.0.0/4 -j MASQUERADE`,
      `-A POSTROUTING -s 10.22.0.5/32 -j ${CHAIN}`,
    ]);
  });

  it("make the chain where it is gone by now", () => {
    expect(mergedLines(A, 4, [first], CHAIN, listing([]))).toEqual(freshLines(A, 4, [first], CHAIN));
  });
});

describe("jumpsIn", () => {
  it("are the rules of POSTROUTING that lead to chains of attachments", () => {
    const lines = freshLines(A, 4, [cidr("10.22.0.5/16")], CHAIN);
    const other = [
      `-A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ`,
      `-A POSTROUTING ! -s 10.0.0.0/8 -g ${CHAIN}`,
      `-A PREROUTING -j ${CHAIN}`,
    ].join("\n");
    expect([...jumpsIn(listing(lines, other), OWN_CHAINS).keys()]).toEqual([
      { chain: CHAIN, source: undefined, comment: undefined },
      { chain: CHAIN, source: cidr("10.22.0.5/32"), comment: 'name: "dual" id: "c1"' },
    ]);
    expect(jumpsIn(readListing(""), OWN_CHAINS).size).toBe(0);
  });
});

describe("faultsIn", () => {
  const addresses = [cidr("10.22.0.5/16")];
  const lines = freshLines(A, 4, addresses, CHAIN);
  const faults = (kept: (line: string) => boolean, more = ""): string[] =>
    faultsIn(listing(lines.filter(kept), more), A, 4, addresses, CHAIN);

  it("are none where all is as it was made, nor where another interface has rules there", () => {
    expect(faults(() => true)).toEqual([]);
    expect(faults(() => true, `-A ${CHAIN} -d 10.23.0.0/16 -j ACCEPT`)).toEqual([]);
  });

  it.each([
    [`chain ${CHAIN} of table nat of iptables is missing`, () => false],
    [`for 10.22.0.5 is missing`, (line: string) => !line.includes("-s 10.22.0.5")],
    [`-j ACCEPT\` of chain ${CHAIN}`, (line: string) => !line.includes("ACCEPT")],
    [`-j MASQUERADE\` of chain ${CHAIN}`, (line: string) => !line.includes("MASQUERADE")],
  ] as const)("tell what is missing: %s", (text, kept) => {
    expect(faults(kept)).toEqual([expect.stringContaining(text)]);
  });

  it.each([`-A ${CHAIN} -j RETURN`, `-A ${CHAIN} -s 10.0.0.0/8 -j ACCEPT`, `-A ${CHAIN} -d 10.9.0.0/16 -j DROP`])(
    "tell of a rule that nobody of ours makes: %s",
    (line) => {
      expect(faults(() => true, line)).toEqual([`chain ${CHAIN} of table nat of iptables has been altered`]);
    },
  );
});
