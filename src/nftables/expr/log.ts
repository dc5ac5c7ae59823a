// log: to the kernel's log, or to a listener of nfnetlink_log (NFTA_LOG_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { cstring, type Infer, u16be, u32be } from "../../wire/codec.ts";
import { optionalText } from "./text.ts";

const NFTA_LOG = { GROUP: 1, PREFIX: 2, SNAPLEN: 3, QTHRESHOLD: 4, LEVEL: 5, FLAGS: 6 } as const;

export const log = attrs({
  group: attr(NFTA_LOG.GROUP, u16be), // a group of nfnetlink_log; the kernel's log when absent
  prefix: attr(NFTA_LOG.PREFIX, cstring), // at most 127 bytes
  snaplen: attr(NFTA_LOG.SNAPLEN, u32be), // how many bytes of the packet
  qthreshold: attr(NFTA_LOG.QTHRESHOLD, u16be), // how many packets to gather
  level: attr(NFTA_LOG.LEVEL, u32be), // as syslog's, 0 to 7
  flags: attr(NFTA_LOG.FLAGS, u32be), // NF_LOG_… of nf_log.h
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
