// fib: asks the routing table, for the kind of an address or for the interface that leads to it (NFTA_FIB_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { nameText } from "./text.ts";

export const NFT_FIB_RESULT = { OIF: 1, OIFNAME: 2, ADDRTYPE: 3 } as const;
export const NFTA_FIB_F = { SADDR: 0x1, DADDR: 0x2, MARK: 0x4, IIF: 0x8, OIF: 0x10, PRESENT: 0x20 } as const;
/** Kinds of address, in host order: RTN_… of rtnetlink.h. */
export const RTN = { UNICAST: 1, LOCAL: 2, BROADCAST: 3, MULTICAST: 5 } as const;

const NFTA_FIB = { DREG: 1, RESULT: 2, FLAGS: 3 } as const;

export const fib = attrs({
  dreg: attr(NFTA_FIB.DREG, u32be),
  result: attr(NFTA_FIB.RESULT, u32be), // of NFT_FIB_RESULT
  flags: attr(NFTA_FIB.FLAGS, u32be), // of NFTA_FIB_F
});

const FLAGS: readonly (readonly [number, string])[] = [
  [NFTA_FIB_F.SADDR, "saddr"],
  [NFTA_FIB_F.DADDR, "daddr"],
  [NFTA_FIB_F.MARK, "mark"],
  [NFTA_FIB_F.IIF, "iif"],
  [NFTA_FIB_F.OIF, "oif"],
];

/** `fib daddr . iif type => reg 1` */
export function fibText(e: Infer<typeof fib>): string {
  const flags = e.flags ?? 0;
  const looksAt = FLAGS.filter(([flag]) => (flags & flag) !== 0).map(([, name]) => name);
  const present = (flags & NFTA_FIB_F.PRESENT) === 0 ? "" : " present";
  return `fib ${looksAt.join(" . ")} ${nameText(["unspec", "oif", "oifname", "type"], e.result)}${present} => reg ${e.dreg}`;
}
