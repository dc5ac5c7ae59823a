// reject: drops the packet and tells its sender (NFTA_REJECT_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u8, u32be } from "../../wire/codec.ts";

export const NFT_REJECT = { ICMP_UNREACH: 0, TCP_RST: 1, ICMPX_UNREACH: 2 } as const;
/** Codes of ICMPX_UNREACH, which fit IPv4 and IPv6. */
export const NFT_REJECT_ICMPX = { NO_ROUTE: 0, PORT_UNREACH: 1, HOST_UNREACH: 2, ADMIN_PROHIBITED: 3 } as const;

const NFTA_REJECT = { TYPE: 1, ICMP_CODE: 2 } as const;

export const reject = attrs({
  type: attr(NFTA_REJECT.TYPE, u32be), // of NFT_REJECT
  code: attr(NFTA_REJECT.ICMP_CODE, u8),
});

/** `reject type 0 code 3` */
export function rejectText(e: Infer<typeof reject>): string {
  return `reject type ${e.type ?? 0} code ${e.code ?? 0}`;
}
