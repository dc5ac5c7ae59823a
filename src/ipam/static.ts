// The static IPAM plugin: the addresses that the configuration or the runtime names. It keeps no state.

import { CNI_CODE, CniError } from "../cni/error.ts";
import type { Result } from "../cni/result.ts";
import { compareIp, formatCidr, formatIp, sameCidr } from "../wire/ip.ts";
import type { Ipam, IpamCall } from "./ipam.ts";
import { checkStaticConfig, readStaticConfig } from "./static-config.ts";

export const staticIpam: Ipam = {
  add,
  check,
  del: () => undefined,
  gc: () => undefined,
  /** There are always addresses, unless the configuration is wrong. */
  status: checkStaticConfig,
};

function add(call: IpamCall): Result {
  const { ips, routes, dns } = readStaticConfig(call);
  return { interfaces: [], ips, routes, dns };
}

/** Every address must be in the result of ADD, with its gateway where it has one. */
function check(call: IpamCall): void {
  const { ips } = readStaticConfig(call);
  if (call.prevResult === undefined) {
    throw new CniError(CNI_CODE.INVALID_CONFIG, "prevResult is missing: CHECK needs the result of ADD");
  }
  for (const address of ips) {
    const { gateway } = address;
    const wanted = formatCidr(address);
    const found = call.prevResult.ips.find((one) => sameCidr(one, address));
    const where = `interface ${call.ifname} of container ${call.containerId}`;
    if (found === undefined) throw failure(`address ${wanted} is not on ${where}, as prevResult has it`);
    if (gateway === undefined) continue;
    if (found.gateway === undefined || compareIp(found.gateway, gateway) !== 0) {
      const has = found.gateway === undefined ? "no gateway" : `gateway ${formatIp(found.gateway)}`;
      throw failure(`address ${wanted} has ${has} on ${where}, not ${formatIp(gateway)}, as prevResult has it`);
    }
  }
}

function failure(problem: string): CniError {
  return new CniError(CNI_CODE.INTERNAL, `static: ${problem}`);
}
