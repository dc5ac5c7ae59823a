// masq: source address translation to the address of the interface that the packet leaves by (NFTA_MASQ_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { flagsText, optionalText } from "./text.ts";

export const masq = attrs({
  flags: attr(1, u32be), // NFTA_MASQ_FLAGS: of NF_NAT_RANGE
  regProtoMin: attr(2, u32be), // NFTA_MASQ_REG_PROTO_MIN: the register with the first port
  regProtoMax: attr(3, u32be), // NFTA_MASQ_REG_PROTO_MAX: with the last port
});

/** `masq proto_min reg 1 flags 0x10` */
export function masqText(e: Infer<typeof masq>): string {
  const ports = [...optionalText("proto_min reg", e.regProtoMin), ...optionalText("proto_max reg", e.regProtoMax)];
  return ["masq", ...ports, ...flagsText(e.flags)].join(" ");
}
