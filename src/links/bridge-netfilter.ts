// br_netfilter: bridged frames pass the rules of IP as if they were routed (Documentation/networking/ip-sysctl.rst,
// "/proc/sys/net/bridge/* Variables").

import { readSysctl, type SysctlName } from "../sys/sysctl.ts";
import type { Family } from "../wire/ip.ts";

const PARAMETERS: Record<Family, SysctlName> = {
  4: "net/bridge/bridge-nf-call-iptables",
  6: "net/bridge/bridge-nf-call-ip6tables",
};

/**
 * The parameters by which bridged frames of these families pass the rules of IP in the namespace of this thread, as
 * sysctl(8) writes them: none where they don't, or the kernel has no such thing.
 */
export function bridgeNetfilter(families: Iterable<Family>): string[] {
  const names = Array.from(families, (family) => PARAMETERS[family]);
  return names.filter((name) => readSysctl(name) === "1").map((name) => name.replaceAll("/", "."));
}
