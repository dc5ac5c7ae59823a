// nat: another source or destination address and port (NFTA_NAT_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { familyName } from "../message.ts";
import { flagsText, nameText, optionalText } from "./text.ts";

export const NFT_NAT = { SNAT: 0, DNAT: 1 } as const;

const NFTA_NAT = {
  TYPE: 1,
  FAMILY: 2,
  REG_ADDR_MIN: 3,
  REG_ADDR_MAX: 4,
  REG_PROTO_MIN: 5,
  REG_PROTO_MAX: 6,
  FLAGS: 7,
} as const;

export const nat = attrs({
  type: attr(NFTA_NAT.TYPE, u32be), // of NFT_NAT
  family: attr(NFTA_NAT.FAMILY, u32be), // of NFPROTO
  regAddrMin: attr(NFTA_NAT.REG_ADDR_MIN, u32be), // the register with the first address
  regAddrMax: attr(NFTA_NAT.REG_ADDR_MAX, u32be), // with the last address
  regProtoMin: attr(NFTA_NAT.REG_PROTO_MIN, u32be), // with the first port
  regProtoMax: attr(NFTA_NAT.REG_PROTO_MAX, u32be), // with the last port
  flags: attr(NFTA_NAT.FLAGS, u32be), // of NF_NAT_RANGE
});

/** `nat snat ip addr_min reg 1 flags 0x10` */
export function natText(e: Infer<typeof nat>): string {
  return [
    `nat ${nameText(["snat", "dnat"], e.type)} ${familyName(e.family ?? 0)}`,
    ...optionalText("addr_min reg", e.regAddrMin),
    ...optionalText("addr_max reg", e.regAddrMax),
    ...optionalText("proto_min reg", e.regProtoMin),
    ...optionalText("proto_max reg", e.regProtoMax),
    ...flagsText(e.flags),
  ].join(" ");
}
