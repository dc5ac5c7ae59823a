// masq: source address translation to the address of the interface that the packet leaves by (NFTA_MASQ_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { flagsText, optionalText } from "./text.ts";

const NFTA_MASQ = { FLAGS: 1, REG_PROTO_MIN: 2, REG_PROTO_MAX: 3 } as const;

export const masq = attrs({
  flags: attr(NFTA_MASQ.FLAGS, u32be), // of NF_NAT_RANGE
  regProtoMin: attr(NFTA_MASQ.REG_PROTO_MIN, u32be), // the register with the first port
  regProtoMax: attr(NFTA_MASQ.REG_PROTO_MAX, u32be), // with the last port
});

/** `masq proto_min reg 1 flags 0x10` */
export function masqText(e: Infer<typeof masq>): string {
  const ports = [...optionalText("proto_min reg", e.regProtoMin), ...optionalText("proto_max reg", e.regProtoMax)];
  return ["masq", ...ports, ...flagsText(e.flags)].join(" ");
}
