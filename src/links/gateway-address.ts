// The gateway addresses that a bridge, or the interface of one of its VLANs, carries for its containers.

import type { Connection } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/error.ts";
import { type Address, addAddress, deleteAddress, listAddresses, type NewAddress } from "../rtnetlink/address.ts";
import type { BriefLink } from "../rtnetlink/brief-link.ts";
import { setLink } from "../rtnetlink/link.ts";
import { IFA_F, RT_SCOPE } from "../rtnetlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { randomBytes } from "../sys/process.ts";
import { type Cidr, compareIp, contains, formatCidr, isSingleHost, lastOf, sameCidr } from "../wire/ip.ts";
import type { Mac } from "../wire/mac.ts";
import { CheckError } from "./check.ts";
import { localMac } from "./local-mac.ts";

/** How the addresses get on the link. */
export interface GatewayOptions {
  /** Whether addresses that are in the way of a missing gateway are removed; otherwise they are an error. */
  readonly force: boolean;
  /** Whether the link waits for duplicate address detection before it uses an IPv6 address. */
  readonly detectDuplicates: boolean;
  /** Whether an address that the link has belongs there too, as the gateway of another of the network's subnets does. */
  readonly belongs: (address: Cidr) => boolean;
}

/** The link has an address that is in the way of a gateway. */
export class AddressConflictError extends Error {
  override readonly name: string = "AddressConflictError";
}

/**
 * Sees to it that the link carries all these addresses, like `ip address add`. Returns the addresses that were removed
 * because they were in the way of a gateway that was missing (see obstaclesTo). Where a gateway is added the link also keeps
 * its MAC address from then on: a bridge would change it as ports come and go. Throws AddressConflictError or NetlinkError.
 */
export function ensureGateways(
  connection: Connection,
  link: BriefLink,
  gateways: readonly Cidr[],
  options: GatewayOptions,
): readonly Cidr[] {
  const present = listAddresses(connection, { device: link });
  const missing = gateways.filter((gateway) => !present.some((address) => sameCidr(address, gateway)));
  if (missing.length === 0) return [];
  const mayStay = (address: Cidr): boolean =>
    gateways.some((gateway) => sameCidr(address, gateway)) || options.belongs(address);
  const obstacles = obstaclesTo(missing, present, mayStay);
  const [first] = obstacles;
  if (first !== undefined && !options.force) throw conflict(link, first, missing);
  const removals = obstacles.map((address) => deleteAddress(link, address));
  const additions = missing.map((gateway) => addAddress(link, gatewayAddress(gateway, options)));
  const requests = [...removals, ...additions, setLink(link, { mac: ownMac(link) })];
  // Another process that does the same at the same time may be faster: what is done already is no error.
  const acks = connection.tryAll(requests);
  requests.forEach((request, i) => {
    const ack = acks[i];
    const done = errno(i < removals.length ? "EADDRNOTAVAIL" : "EEXIST");
    if (ack !== undefined && ack.errno !== 0 && ack.errno !== done) throw new NetlinkError(request.operation(), ack);
  });
  return obstacles;
}

/** A bridge that has lost its ports has no address that it could keep: 00:00:00:00:00:00. */
function ownMac({ mac }: BriefLink): Mac {
  return mac.some((byte) => byte !== 0) ? mac : localMac(randomBytes(6));
}

/** Throws CheckError, naming what is missing, where the link does not carry all these addresses. */
export function checkGateways(connection: Connection, link: BriefLink, gateways: readonly Cidr[]): void {
  const present = listAddresses(connection, { device: link });
  const missing = gateways.filter((gateway) => !present.some((address) => sameCidr(address, gateway)));
  if (missing.length === 0) return;
  throw new CheckError(`the gateway addresses ${missing.map(formatCidr).join(", ")} are missing on ${link.name}`);
}

/**
 * The addresses that are in the way of gateways that the link lacks: those whose subnet overlaps that of a missing gateway.
 * A link that lacks an IPv4 gateway and carries IPv4 addresses of other subnets only is another network's, as upstream has
 * it: they are in the way, too. An address of a single host (169.254.169.254/32) and one for the link alone (fe80::1/64) tell
 * nothing of the link's network, and are in the way of none but the same address.
 */
function obstaclesTo(
  missing: readonly Cidr[],
  present: readonly Address[],
  mayStay: (address: Cidr) => boolean,
): Address[] {
  const isForeign = missing.some(isIpv4) && !present.some((address) => isIpv4(address) && mayStay(address));
  return present.filter((address) => {
    if (mayStay(address)) return false;
    if (isSingleHost(address) || address.scope === RT_SCOPE.LINK)
      return missing.some(({ ip }) => compareIp(ip, address.ip) === 0);
    const overlaps = missing.some((gateway) => contains(gateway, address.ip) || contains(address, gateway.ip));
    return overlaps || (isForeign && isIpv4(address));
  });
}

function isIpv4({ ip }: Cidr): boolean {
  return ip.length === 4;
}

function conflict(link: BriefLink, address: Address, missing: readonly Cidr[]): AddressConflictError {
  const wanted = missing.filter((gateway) => gateway.ip.length === address.ip.length).map(formatCidr);
  return new AddressConflictError(
    `${JSON.stringify(link.name)} already has the address ${formatCidr(address)}, which is in the way of the gateway ${wanted.join(", ")}`,
  );
}

const BROADCAST_MAX = 30; // RFC 3021: a longer IPv4 prefix has no broadcast address

function gatewayAddress(gateway: Cidr, { detectDuplicates }: GatewayOptions): NewAddress {
  if (gateway.ip.length === 16) return { ...gateway, flags: detectDuplicates ? 0 : IFA_F.NODAD };
  return gateway.prefixLength <= BROADCAST_MAX ? { ...gateway, broadcast: lastOf(gateway) } : gateway;
}
