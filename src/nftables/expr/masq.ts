// masq: source address translation to the address of the interface that the packet leaves by (NFTA_MASQ_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { u32be } from "../../wire/codec.ts";

export const masq = attrs({
  flags: attr(1, u32be), // NFTA_MASQ_FLAGS: of NF_NAT_RANGE
  regProtoMin: attr(2, u32be), // NFTA_MASQ_REG_PROTO_MIN: the register with the first port
  regProtoMax: attr(3, u32be), // NFTA_MASQ_REG_PROTO_MAX: with the last port
});
