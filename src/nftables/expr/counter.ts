// counter: counts the packets and bytes that come by (NFTA_COUNTER_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u64be } from "../../wire/codec.ts";

export const NFTA_COUNTER = { BYTES: 1, PACKETS: 2 } as const;

export const counter = attrs({
  bytes: attr(NFTA_COUNTER.BYTES, u64be),
  packets: attr(NFTA_COUNTER.PACKETS, u64be),
});

/** `counter pkts 0 bytes 0` */
export function counterText(e: Infer<typeof counter>): string {
  return `counter pkts ${e.packets ?? 0n} bytes ${e.bytes ?? 0n}`;
}
