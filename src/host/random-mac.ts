// Ethernet addresses of interfaces that are ours.

import { randomBytes } from "../sys/process.ts";
import type { Mac } from "../wire/mac.ts";

/** A random unicast address of the locally administered kind (IEEE 802: the two lowest bits of the first byte). */
export function randomMac(): Mac {
  return randomBytes(6).map((byte, i) => (i === 0 ? (byte & 0xfc) | 0x02 : byte));
}
