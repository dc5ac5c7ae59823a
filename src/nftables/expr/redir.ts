// redir: destination address translation to this machine (NFTA_REDIR_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { flagsText, optionalText } from "./text.ts";

export const redir = attrs({
  regProtoMin: attr(1, u32be), // NFTA_REDIR_REG_PROTO_MIN: the register with the first port
  regProtoMax: attr(2, u32be), // NFTA_REDIR_REG_PROTO_MAX: with the last port
  flags: attr(3, u32be), // NFTA_REDIR_FLAGS: of NF_NAT_RANGE
});

/** `redir proto_min reg 1 flags 0x2` */
export function redirText(e: Infer<typeof redir>): string {
  const ports = [...optionalText("proto_min reg", e.regProtoMin), ...optionalText("proto_max reg", e.regProtoMax)];
  return ["redir", ...ports, ...flagsText(e.flags)].join(" ");
}
