// payload: bytes of the packet into a register, or a register into the packet (NFTA_PAYLOAD_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { nameText } from "./text.ts";

/** Where the offset counts from. */
export const NFT_PAYLOAD = { LL_HEADER: 0, NETWORK_HEADER: 1, TRANSPORT_HEADER: 2, INNER_HEADER: 3 } as const;

const NFTA_PAYLOAD = {
  DREG: 1,
  BASE: 2,
  OFFSET: 3,
  LEN: 4,
  SREG: 5,
  CSUM_TYPE: 6,
  CSUM_OFFSET: 7,
  CSUM_FLAGS: 8,
} as const;

export const payload = attrs({
  dreg: attr(NFTA_PAYLOAD.DREG, u32be), // absent when writing
  base: attr(NFTA_PAYLOAD.BASE, u32be), // of NFT_PAYLOAD
  offset: attr(NFTA_PAYLOAD.OFFSET, u32be), // in bytes
  len: attr(NFTA_PAYLOAD.LEN, u32be), // in bytes
  sreg: attr(NFTA_PAYLOAD.SREG, u32be), // absent when reading
  csumType: attr(NFTA_PAYLOAD.CSUM_TYPE, u32be),
  csumOffset: attr(NFTA_PAYLOAD.CSUM_OFFSET, u32be),
  csumFlags: attr(NFTA_PAYLOAD.CSUM_FLAGS, u32be),
});

const BASES = ["link header", "network header", "transport header", "inner header"];

/** `payload load 4b @ network header + 12 => reg 1` */
export function payloadText(e: Infer<typeof payload>): string {
  const place = `${e.len}b @ ${nameText(BASES, e.base)} + ${e.offset}`;
  if (e.sreg === undefined) return `payload load ${place} => reg ${e.dreg}`;
  const checksum = `csum_type ${e.csumType ?? 0} csum_off ${e.csumOffset ?? 0}`;
  return `payload write reg ${e.sreg} => ${place} ${checksum} csum_flags 0x${(e.csumFlags ?? 0).toString(16)}`;
}
