// Letting the node route for its containers.

import { readSysctl, writeSysctl } from "../sys/sysctl.ts";
import type { Family } from "../wire/ip.ts";

/**
 * Turns on forwarding for the family, like `sysctl -w net.ipv4.ip_forward=1`. Throws SyscallError where /proc/sys is
 * read-only and forwarding is off. An IPv6 that the kernel lacks or has disabled altogether is left alone.
 */
export function enableForwarding(family: Family): void {
  if (family === 4) writeSysctl("net/ipv4/ip_forward", "1");
  else if (readSysctl("net/ipv6/conf/all/forwarding") !== undefined) writeSysctl("net/ipv6/conf/all/forwarding", "1");
}
