// Letting the node route for its containers.

import { ensureSysctl, type SysctlName } from "../sys/sysctl.ts";
import type { Family } from "../wire/ip.ts";

/**
 * Turns on forwarding for the family, like `sysctl -w net.ipv4.ip_forward=1`. Throws an Error where /proc/sys is
 * read-only and forwarding is off. An IPv6 that the kernel lacks or has disabled altogether is left alone.
 */
export function enableForwarding(family: Family): void {
  const name: SysctlName = family === 4 ? "net/ipv4/ip_forward" : "net/ipv6/conf/all/forwarding";
  try {
    if (!ensureSysctl(name, "1") && family === 4) throw new Error(`this kernel has no ${name.replaceAll("/", ".")}`);
  } catch (error) {
    const setting = `${name.replaceAll("/", ".")}=1`;
    throw new Error(`the node must forward its containers' packets, and ${setting} can't be set here`, {
      cause: error,
    });
  }
}
