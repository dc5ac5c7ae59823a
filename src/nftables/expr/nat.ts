// nat: another source or destination address and port (NFTA_NAT_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { familyName } from "../message.ts";
import { flagsText, nameText, optionalText } from "./text.ts";

export const NFT_NAT = { SNAT: 0, DNAT: 1 } as const;

export const nat = attrs({
  type: attr(1, u32be), // NFTA_NAT_TYPE: of NFT_NAT
  family: attr(2, u32be), // NFTA_NAT_FAMILY: of NFPROTO
  regAddrMin: attr(3, u32be), // NFTA_NAT_REG_ADDR_MIN: the register with the first address
  regAddrMax: attr(4, u32be), // NFTA_NAT_REG_ADDR_MAX: with the last address
  regProtoMin: attr(5, u32be), // NFTA_NAT_REG_PROTO_MIN: with the first port
  regProtoMax: attr(6, u32be), // NFTA_NAT_REG_PROTO_MAX: with the last port
  flags: attr(7, u32be), // NFTA_NAT_FLAGS: of NF_NAT_RANGE
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
