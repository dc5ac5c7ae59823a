// The static IPAM plugin: the addresses that the configuration or the runtime names. It keeps no state.

import { CNI_CODE, CniError } from "../cni/error.ts";
import type { Result } from "../cni/result.ts";
import { formatCidr, formatIp } from "../wire/ip.ts";
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
  const { addresses, routes, dns } = readStaticConfig(call);
  const ips = addresses.map(({ address, gateway }) => ({
    address: formatCidr(address),
    gateway: gateway === undefined ? undefined : formatIp(gateway),
  }));
  return { interfaces: [], ips, routes, dns };
}

/** Every address must be in the result of ADD, with its gateway where it has one. */
function check(call: IpamCall): void {
  const { addresses } = readStaticConfig(call);
  if (call.prevResult === undefined) {
    throw new CniError(CNI_CODE.INVALID_CONFIG, "prevResult is missing: CHECK needs the result of ADD");
  }
  for (const { address, gateway } of addresses) {
    const wanted = formatCidr(address);
    const found = call.prevResult.ips.find((ip) => ip.address === wanted);
    const where = `interface ${call.ifname} of container ${call.containerId}`;
    if (found === undefined) throw failure(`address ${wanted} is not on ${where}, as prevResult has it`);
    if (gateway !== undefined && found.gateway !== formatIp(gateway)) {
      const has = found.gateway === undefined ? "no gateway" : `gateway ${found.gateway}`;
      throw failure(`address ${wanted} has ${has} on ${where}, not ${formatIp(gateway)}, as prevResult has it`);
    }
  }
}

function failure(problem: string): CniError {
  return new CniError(CNI_CODE.INTERNAL, `static: ${problem}`);
}
