// Ethernet addresses of interfaces that are ours.

import type { Mac } from "../wire/mac.ts";

/** The six bytes as an address that nobody else assigns (IEEE 802: locally administered) and that is one station's. */
export function localMac(bytes: Uint8Array): Mac {
  const mac = bytes.slice();
  mac[0] = ((mac[0] ?? 0) & 0xfe) | 0x02;
  return mac;
}

/**
 * The same, but above another address. A bridge takes the lowest address of its ports (br_stp_recalculate_bridge_id() in
 * net/bridge/br_stp_if.c), so it keeps its own when such a port joins, and its neighbours need not learn it anew.
 */
export function localMacAbove(bytes: Uint8Array, other: Mac): Mac {
  const mac = localMac(bytes);
  if ((mac[0] ?? 0) <= (other[0] ?? 0)) mac[0] = 0xfe; // the highest that is local and one station's
  return mac;
}
