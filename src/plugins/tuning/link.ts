// The container's interface: what it is like, what of that is changed, and what is no longer as it was set.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { Connection } from "../../netlink/connection.ts";
import type { Request } from "../../netlink/message.ts";
import { type BriefLink, getBriefLink } from "../../rtnetlink/brief-link.ts";
import { setLink } from "../../rtnetlink/link.ts";
import { IFF } from "../../rtnetlink/uapi.ts";
import type { Backup } from "../../tuning/backup.ts";
import { sameBytes } from "../../wire/codec.ts";
import { formatMac } from "../../wire/mac.ts";
import type { LinkTuning } from "./config.ts";

/** Whether anything of the interface is to be set. */
export function isTuned(wanted: LinkTuning): boolean {
  return Object.values(wanted).some((value) => value !== undefined);
}

/** The container's interface of this name, which is not another name of a link; undefined where there is none. */
export function findLink(container: Connection, ifname: string): BriefLink | undefined {
  const link = getBriefLink(container, ifname);
  return link?.name === ifname ? link : undefined;
}

/** The same where there must be one. Throws CniError 4. */
export function requireLink(container: Connection, ifname: string): BriefLink {
  const link = findLink(container, ifname);
  if (link !== undefined) return link;
  const problem = `CNI_IFNAME ${JSON.stringify(ifname)}: the container has no such interface`;
  throw new CniError(CNI_CODE.INVALID_ENVIRONMENT, problem, "a plugin before this one in the list makes the interface");
}

/**
 * What the interface is like, of all that is to be set. Promiscuous mode is what was asked for by ip(8) and its like: a
 * packet socket, or a macvlan on the interface, has its own say in it and takes that back by itself.
 */
export function presentOf({ mac, flags, mtu, txQueueLength }: BriefLink, wanted: LinkTuning): Backup {
  return {
    mac: wanted.mac && mac,
    promisc: wanted.promisc && (flags & IFF.PROMISC) !== 0,
    mtu: wanted.mtu && mtu,
    allmulti: wanted.allmulti === undefined ? undefined : (flags & IFF.ALLMULTI) !== 0,
    txQLen: wanted.txQLen === undefined ? undefined : txQueueLength,
  };
}

/** Requests that set what is there of these values, each by itself, so that an error says which it is of. */
export function settingRequests(link: BriefLink, { mac, promisc, mtu, allmulti, txQLen }: Backup): Request[] {
  return [
    ...(mac === undefined || mac.length === 0 ? [] : [setLink(link, { mac })]),
    ...(promisc === undefined ? [] : [setLink(link, { promisc })]),
    ...(mtu === undefined ? [] : [setLink(link, { mtu })]),
    ...(allmulti === undefined ? [] : [setLink(link, { allMulticast: allmulti })]),
    ...(txQLen === undefined ? [] : [setLink(link, { txQueueLength: txQLen })]),
  ];
}

/** What is not as it was set, as phrases. */
export function linkFaults(link: BriefLink | undefined, wanted: LinkTuning): string[] {
  if (link === undefined) return ["the interface is not there"];
  const present = presentOf(link, wanted);
  const faults: string[] = [];
  const { mac } = present;
  if (wanted.mac !== undefined && mac !== undefined && !sameBytes(mac, wanted.mac))
    faults.push(`its address is ${formatMac(mac)}, not ${formatMac(wanted.mac)}`);
  if (wanted.promisc && !present.promisc) faults.push("it is not in promiscuous mode");
  if (wanted.mtu !== present.mtu) faults.push(`its MTU is ${present.mtu}, not ${wanted.mtu}`);
  if (wanted.allmulti !== present.allmulti) faults.push(`its all-multicast mode is ${present.allmulti ? "on" : "off"}`);
  if (wanted.txQLen !== present.txQLen)
    faults.push(`its transmit queue has room for ${present.txQLen} packets, not ${wanted.txQLen}`);
  return faults;
}
