// The dhcp plugin: addresses from a DHCP server on the container's network. The daemon (`dhcp daemon`) asks for them and keeps
// them; the plugin calls it.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import { type Invocation, type OwnPlugin, requirePrevResult } from "../../cni/plugin.ts";
import type { Result } from "../../cni/result.ts";
import { askDaemon, DaemonError, greetDaemon, NoDaemonError } from "../../dhcp/ask-daemon.ts";
import { dhcpSchema, readDhcpConfig } from "../../dhcp/config.ts";
import { leaseRecords } from "../../dhcp/records.ts";
import { METHOD, resultOf } from "../../dhcp/rpc.ts";
import { runDaemon } from "../../dhcp/run-daemon.ts";
import type { GobStruct } from "../../gob/types.ts";
import { absolutePath } from "../../sys/path.ts";
import { compareIp, familyOf, formatCidr, formatIp, sameCidr } from "../../wire/ip.ts";

export const plugin: OwnPlugin = {
  name: "dhcp",
  kind: "ipam",
  keys: [dhcpSchema],
  subcommands: { daemon: runDaemon },
  add,
  check,
  del,
  gc,
  status,
};

/** Asks the daemon for what it has of the attachment. Throws CniError. */
function ask(invocation: Invocation, method: string): GobStruct {
  const { containerId, netns, ifname, args, path, config } = invocation;
  const { daemonSocketPath, daemonTimeout } = readDhcpConfig(config);
  const call = { containerId, netns: netns === "" ? "" : absolutePath(netns), ifname, args, path, stdin: config.bytes };
  return askDaemon(daemonSocketPath, method, call, daemonTimeout * 1000);
}

/** A daemon that does not know of families, upstream's say, gives an address of IPv4 whatever is asked for. */
function add(invocation: Invocation): Result {
  const result = resultOf(ask(invocation, METHOD.ALLOCATE));
  const { family, daemonSocketPath } = readDhcpConfig(invocation.config);
  const given = new Set(result.ips.map(({ ip }) => `ipv${familyOf(ip)}`));
  const missing = family.find((one) => !given.has(one));
  if (missing === undefined) return result;
  del(invocation);
  const problem = `the DHCP daemon at ${daemonSocketPath} has given no address of ${missing}`;
  throw new CniError(
    CNI_CODE.INTERNAL,
    problem,
    "ipam.family is for bauta's daemon: is it another one, or an old one?",
  );
}

/** Is there a lease, and is it of the address that ADD has given? */
function check(invocation: Invocation): void {
  const prevResult = requirePrevResult(invocation);
  const { ips } = resultOf(askForLease(invocation));
  for (const address of ips) {
    const found = prevResult.ips.find((one) => sameCidr(one, address));
    const where = `interface ${invocation.ifname} of container ${invocation.containerId}`;
    if (found === undefined) {
      const problem = `the lease of ${where} is of ${formatCidr(address)}, which prevResult does not have`;
      throw new CniError(CNI_CODE.INTERNAL, problem);
    }
    const { gateway } = address;
    if (gateway !== undefined && found.gateway !== undefined && compareIp(gateway, found.gateway) !== 0) {
      const problem = `the lease of ${where} has the gateway ${formatIp(gateway)}, prevResult ${formatIp(found.gateway)}`;
      throw new CniError(CNI_CODE.INTERNAL, problem);
    }
  }
}

/** Upstream's daemon has no other way than Allocate, which gets a lease where there is none: the comparison tells. */
function askForLease(invocation: Invocation): GobStruct {
  try {
    return ask(invocation, METHOD.CHECK);
  } catch (error) {
    if (error instanceof DaemonError && error.isUnknownMethod) return ask(invocation, METHOD.ALLOCATE);
    throw error;
  }
}

/** Without a daemon nobody can give the lease back: the next daemon does. The rest of the attachment must go all the same. */
function del(invocation: Invocation): void {
  try {
    ask(invocation, METHOD.RELEASE);
  } catch (error) {
    if (!(error instanceof NoDaemonError)) throw error;
    const { containerId, ifname, config, log } = invocation;
    leaseRecords(readDhcpConfig(config).daemonSocketPath).beginRelease({ network: config.name, containerId, ifname });
    log(`${error.message}: the lease stays until it ends, or until a daemon is there again`);
  }
}

/** A daemon that is not there, or that does not know the call, collects nothing. */
function gc(invocation: Invocation): void {
  try {
    ask(invocation, METHOD.COLLECT);
  } catch (error) {
    if (!(error instanceof NoDaemonError || (error instanceof DaemonError && error.isUnknownMethod))) throw error;
    invocation.log(error.message);
  }
}

function status({ config }: Invocation): void {
  try {
    greetDaemon(readDhcpConfig(config).daemonSocketPath);
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    throw CniError.because(error, CNI_CODE.NOT_AVAILABLE, error.message, error.details);
  }
}
