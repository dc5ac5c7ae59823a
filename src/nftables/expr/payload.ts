// payload: bytes of the packet into a register, or a register into the packet (NFTA_PAYLOAD_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { nameText } from "./text.ts";

/** Where the offset counts from. */
export const NFT_PAYLOAD = { LL_HEADER: 0, NETWORK_HEADER: 1, TRANSPORT_HEADER: 2, INNER_HEADER: 3 } as const;

export const payload = attrs({
  dreg: attr(1, u32be), // NFTA_PAYLOAD_DREG: absent when writing
  base: attr(2, u32be), // NFTA_PAYLOAD_BASE: of NFT_PAYLOAD
  offset: attr(3, u32be), // NFTA_PAYLOAD_OFFSET, in bytes
  len: attr(4, u32be), // NFTA_PAYLOAD_LEN, in bytes
  sreg: attr(5, u32be), // NFTA_PAYLOAD_SREG: absent when reading
  csumType: attr(6, u32be), // NFTA_PAYLOAD_CSUM_TYPE
  csumOffset: attr(7, u32be), // NFTA_PAYLOAD_CSUM_OFFSET
  csumFlags: attr(8, u32be), // NFTA_PAYLOAD_CSUM_FLAGS
});

const BASES = ["link header", "network header", "transport header", "inner header"];

/** `payload load 4b @ network header + 12 => reg 1` */
export function payloadText(e: Infer<typeof payload>): string {
  const place = `${e.len}b @ ${nameText(BASES, e.base)} + ${e.offset}`;
  if (e.sreg === undefined) return `payload load ${place} => reg ${e.dreg}`;
  const checksum = `csum_type ${e.csumType ?? 0} csum_off ${e.csumOffset ?? 0}`;
  return `payload write reg ${e.sreg} => ${place} ${checksum} csum_flags 0x${(e.csumFlags ?? 0).toString(16)}`;
}
