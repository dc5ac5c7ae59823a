// counter: counts the packets and bytes that come by (NFTA_COUNTER_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u64be } from "../../wire/codec.ts";

export const counter = attrs({
  bytes: attr(1, u64be), // NFTA_COUNTER_BYTES
  packets: attr(2, u64be), // NFTA_COUNTER_PACKETS
});

/** `counter pkts 0 bytes 0` */
export function counterText(e: Infer<typeof counter>): string {
  return `counter pkts ${e.packets ?? 0n} bytes ${e.bytes ?? 0n}`;
}
