// What the kernel does by itself with the router advertisements of a container's interface (RFC 4862): how it is told to, and
// what has come of it.

import { type Address, isTentative, listAddresses } from "../../rtnetlink/address.ts";
import { getInet6Flags } from "../../rtnetlink/brief-link.ts";
import { listRoutes } from "../../rtnetlink/route.ts";
import { IFA_F, RT_SCOPE, RTPROT } from "../../rtnetlink/uapi.ts";
import { inNetns } from "../../sys/netns.ts";
import { ensureSysctl, trySetSysctl } from "../../sys/sysctl.ts";
import { type Cidr, compareIp, formatIp, type Ip } from "../../wire/ip.ts";
import type { OpenInterface } from "../interface.ts";
import { IF } from "./uapi.ts";

/** What router advertisements have made of an interface so far. */
export interface Autoconf {
  /** Whether an advertisement has come. */
  readonly isHeard: boolean;
  /** The flag M: a DHCPv6 server gives addresses. */
  readonly isManaged: boolean;
  /** The flag O: a DHCPv6 server knows of name servers. */
  readonly knowsMore: boolean;
  /** The address that packets on the link come from; undefined while it can't be used. */
  readonly linkLocal: Ip | undefined;
  /** The router that the default route leads to. */
  readonly router: Ip | undefined;
  /** The addresses that reach beyond the link. */
  readonly addresses: readonly Address[];
  /** Those of them that the kernel has made by advertisements: a whole interface identifier behind their prefix. */
  readonly made: readonly Address[];
}

/**
 * Has the interface listen to routers when it comes up, whether the container forwards or not, and make one address a prefix, by
 * its MAC address. Throws Error where the kernel has no IPv6 on it.
 */
export function listenToRouters(netns: number, ifname: string, priority: number): void {
  const conf = (name: string) => `net/ipv6/conf/${ifname}/${name}` as const;
  inNetns(netns, () => {
    if (!ensureSysctl(conf("disable_ipv6"), "0") || !ensureSysctl(conf("accept_ra"), "2")) {
      throw new Error(`${ifname} can't have an IPv6 address: the kernel has no IPv6 on this interface`);
    }
    for (const name of ["autoconf", "accept_ra_pinfo", "accept_ra_defrtr"]) ensureSysctl(conf(name), "1");
    trySetSysctl(conf("use_tempaddr"), "0");
    if (priority !== 0) trySetSysctl(conf("ra_defrtr_metric"), String(priority)); // since Linux 5.12
  });
}

/** Throws NetlinkError; Error where another station has the link-local address. */
export function lookAt({ container, link }: Pick<OpenInterface, "container" | "link">): Autoconf {
  const flags = getInet6Flags(container, link) ?? 0;
  const all = listAddresses(container, { device: link, family: 6 });
  const local = all.filter(({ scope }) => scope === RT_SCOPE.LINK);
  const duplicate = local.find(({ flags: about }) => (about & IFA_F.DADFAILED) !== 0);
  if (duplicate !== undefined) throw duplicateError(link.name, formatIp(duplicate.ip));
  const addresses = all.filter(({ scope }) => scope === RT_SCOPE.UNIVERSE);
  const made = addresses.filter(isMade);
  const routes = listRoutes(container, { family: 6, device: link, isDefault: true });
  const learned = routes.filter(({ protocol }) => protocol === RTPROT.RA);
  const isHeard = (flags & (IF.RA_RCVD | IF.RA_MANAGED | IF.RA_OTHERCONF)) !== 0;
  return {
    isHeard: isHeard || learned.length > 0 || made.length > 0,
    isManaged: (flags & IF.RA_MANAGED) !== 0,
    knowsMore: (flags & IF.RA_OTHERCONF) !== 0,
    linkLocal: local.find((one) => !isTentative(one))?.ip,
    router: learned.map(({ gateway, nextHops }) => gateway ?? nextHops?.[0]?.gateway).find((one) => one !== undefined),
    addresses,
    made,
  };
}

const PREFIX = 64;
/** A temporary address (RFC 8981), and one that is not to be used any more. */
const PASSING = IFA_F.SECONDARY | IFA_F.DEPRECATED;

/** What somebody has given the interface has no end, or is of another length. */
function isMade({ prefixLength, flags, lifetime }: Address): boolean {
  return prefixLength === PREFIX && lifetime !== undefined && (flags & PASSING) === 0;
}

/** Whether an address is there and can be used. */
export function isUsable({ addresses }: Autoconf, ip: Ip): boolean {
  return addresses.some((one) => compareIp(one.ip, ip) === 0 && !isTentative(one));
}

/** Of an address that another station has. */
export function duplicateError(ifname: string, address: string): Error {
  return new Error(`another station on the link of ${ifname} already has the address ${address}`);
}

/** An address without what the kernel says besides. */
export function cidrOf({ ip, prefixLength }: Cidr): Cidr {
  return { ip, prefixLength };
}
