// log: to the kernel's log, or to a listener of nfnetlink_log (NFTA_LOG_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { cstring, type Infer, u16be, u32be } from "../../wire/codec.ts";
import { optionalText } from "./text.ts";

export const log = attrs({
  group: attr(1, u16be), // NFTA_LOG_GROUP: a group of nfnetlink_log; the kernel's log when absent
  prefix: attr(2, cstring), // NFTA_LOG_PREFIX, at most 127 bytes
  snaplen: attr(3, u32be), // NFTA_LOG_SNAPLEN: how many bytes of the packet
  qthreshold: attr(4, u16be), // NFTA_LOG_QTHRESHOLD: how many packets to gather
  level: attr(5, u32be), // NFTA_LOG_LEVEL: as syslog's, 0 to 7
  flags: attr(6, u32be), // NFTA_LOG_FLAGS: NF_LOG_… of nf_log.h
});

const FLAGS: readonly (readonly [number, string])[] = [
  [0x01, "tcpseq"],
  [0x02, "tcpopt"],
  [0x04, "ipopt"],
  [0x08, "uid"],
  [0x20, "macdecode"],
];

/** `log prefix x group 3 snaplen 100 qthreshold 5` */
export function logText(e: Infer<typeof log>): string {
  const group =
    e.group === undefined ? [] : [`group ${e.group} snaplen ${e.snaplen ?? 0} qthreshold ${e.qthreshold ?? 0}`];
  const flags = FLAGS.filter(([flag]) => ((e.flags ?? 0) & flag) !== 0).map(([, name]) => name);
  return ["log", ...optionalText("prefix", e.prefix), ...group, ...optionalText("level", e.level), ...flags].join(" ");
}
