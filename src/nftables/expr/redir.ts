// redir: destination address translation to this machine (NFTA_REDIR_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { flagsText, optionalText } from "./text.ts";

const NFTA_REDIR = { REG_PROTO_MIN: 1, REG_PROTO_MAX: 2, FLAGS: 3 } as const;

export const redir = attrs({
  regProtoMin: attr(NFTA_REDIR.REG_PROTO_MIN, u32be), // the register with the first port
  regProtoMax: attr(NFTA_REDIR.REG_PROTO_MAX, u32be), // with the last port
  flags: attr(NFTA_REDIR.FLAGS, u32be), // of NF_NAT_RANGE
});

/** `redir proto_min reg 1 flags 0x2` */
export function redirText(e: Infer<typeof redir>): string {
  const ports = [...optionalText("proto_min reg", e.regProtoMin), ...optionalText("proto_max reg", e.regProtoMax)];
  return ["redir", ...ports, ...flagsText(e.flags)].join(" ");
}
