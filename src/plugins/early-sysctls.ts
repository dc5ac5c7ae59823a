// "sysctl" of the plugins that make an interface: its kernel parameters that count when it comes up (how it makes its addresses,
// whether it listens to routers). When tuning runs, the interface is up, and that is done.

import { CNI_CODE, CniError } from "../cni/error.ts";
import type { Invocation } from "../cni/plugin.ts";
import { object, optional, record, string } from "../cni/schema.ts";
import { CheckError } from "../links/check.ts";
import { inNetns } from "../sys/netns.ts";
import { readAllowList } from "../tuning/allow-list.ts";
import { mergeSysctls, type Sysctl } from "../tuning/sysctl-keys.ts";
import { sysctlFaults } from "../tuning/sysctls.ts";

/** The key, for a plugin's schema. */
export const earlySysctlKeys = object({
  sysctl: optional(
    record(
      string(),
      "parameters of the container's interface, to be set before it comes up: net.ipv6.conf.IFNAME.accept_ra",
    ),
  ),
});

/** STATUS has no interface, and judges keys all the same. */
const ANY_NAME = "IFNAME";

/**
 * The parameters that the configuration has. Throws CniError 7 for one that is not the interface's own: others would stay when the
 * interface goes, and are tuning's.
 */
export function readEarlySysctls({ config, ifname }: Invocation): readonly Sysctl[] {
  const { sysctl } = earlySysctlKeys.read(config.raw, "");
  if (sysctl === undefined || sysctl.size === 0) return [];
  const name = ifname || ANY_NAME;
  const sysctls = mergeSysctls(config, name, { sysctl });
  for (const { at, name: parameter } of sysctls) {
    const [, , kind, of, ...rest] = parameter.split("/");
    if ((kind === "conf" || kind === "neigh") && of === name && rest.length > 0) continue;
    const problem = `${at} is no parameter of the container's interface`;
    throw new CniError(
      CNI_CODE.INVALID_CONFIG,
      problem,
      "net.ipv6.conf.IFNAME.accept_ra is one; the plugin tuning sets others",
    );
  }
  return sysctls;
}

/** ADD: throws CniError 7 for a parameter that the operator's list does not have. */
export function requireAllowed(sysctls: readonly Sysctl[]): void {
  if (sysctls.length > 0) readAllowList()?.require(sysctls);
}

/** Throws CheckError where one is not as it was set. `netns` is a descriptor of the container's namespace. */
export function checkEarlySysctls(sysctls: readonly Sysctl[], netns: number): void {
  if (sysctls.length === 0) return;
  const faults = inNetns(netns, () => sysctlFaults(sysctls));
  if (faults.length > 0) throw new CheckError(faults.join("; "));
}
