// What /proc tells of connection tracking. It takes no lock for each of the table's 262,144 buckets, as a list over netlink
// does: where little is tracked that is 0.3 ms instead of 5 to 9.

import { hasCode } from "../sys/error.ts";
import { readText } from "../sys/file.ts";
import { readSysctl } from "../sys/sysctl.ts";
import { formatIp, type Ip } from "../wire/ip.ts";

/** Each read(2) tells a dozen flows, and older kernels begin at the first bucket every time. */
const FLOWS_MAX = 256;

/**
 * Whether no flow has any of the addresses as a source, in the network namespace of this thread. False also where that
 * would take long to tell, or the kernel does not (CONFIG_NF_CONNTRACK_PROCFS).
 */
export function haveNoFlows(addresses: readonly Ip[]): boolean {
  return isCertain((table) => !addresses.some((ip) => table.includes(`src=${procText(ip)} `)));
}

/** Whether no flow's first packet, nor an answer, was for any of the ports. False also where that would take long to tell. */
export function haveNoFlowsTo(ports: Iterable<number>): boolean {
  return isCertain((table) => [...ports].every((port) => !table.includes(` dport=${port} `)));
}

function isCertain(holdsFor: (table: string) => boolean): boolean {
  const count = Number(readSysctl("net/netfilter/nf_conntrack_count") ?? Number.NaN);
  if (count === 0) return true;
  if (!(count <= FLOWS_MAX)) return false;
  const text = readTable();
  return text !== undefined && holdsFor(text);
}

function readTable(): string | undefined {
  try {
    return readText("/proc/thread-self/net/nf_conntrack");
  } catch (error) {
    if (hasCode(error, "ENOENT", "EACCES", "EPERM")) return undefined;
    throw error;
  }
}

/** As the kernel prints it: %pI6 has every digit. */
function procText(ip: Ip): string {
  if (ip.length === 4) return formatIp(ip);
  const hex = Array.from(ip, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return (hex.match(/.{4}/g) ?? []).join(":");
}
