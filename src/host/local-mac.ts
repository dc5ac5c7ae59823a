// Ethernet addresses of interfaces that are ours.

import type { Mac } from "../wire/mac.ts";

/** The six bytes as an address that nobody else assigns (IEEE 802: locally administered) and that is one station's. */
export function localMac(bytes: Uint8Array): Mac {
  const mac = bytes.slice();
  mac[0] = ((mac[0] ?? 0) & 0xfe) | 0x02;
  return mac;
}
