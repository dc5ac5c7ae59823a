// The gateway addresses that a bridge, or the interface of one of its VLANs, carries for its containers.

import type { Connection } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/error.ts";
import { type Address, addAddress, deleteAddress, listAddresses, type NewAddress } from "../rtnetlink/address.ts";
import type { BriefLink } from "../rtnetlink/brief-link.ts";
import { setLink } from "../rtnetlink/link.ts";
import { IFA_F } from "../rtnetlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { randomBytes } from "../sys/process.ts";
import { sameBytes } from "../wire/codec.ts";
import { type Cidr, contains, formatCidr, lastOf } from "../wire/ip.ts";
import type { Mac } from "../wire/mac.ts";
import { CheckError } from "./check.ts";
import { localMac } from "./local-mac.ts";

/** How the addresses get on the link. */
export interface GatewayOptions {
  /** Whether addresses that are in the way are removed; otherwise they are an error. */
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
 * Sees to it that the link carries all these addresses, like `ip address add`. In the way is any other IPv4 address, and an
 * IPv6 address whose subnet overlaps. Where it adds one it also makes the link keep its MAC address: a bridge would
 * change it as ports come and go. Throws AddressConflictError or NetlinkError.
 */
export function ensureGateways(
  connection: Connection,
  link: BriefLink,
  gateways: readonly Cidr[],
  options: GatewayOptions,
): void {
  const present = listAddresses(connection, { device: link });
  const missing = gateways.filter((gateway) => !present.some((address) => isSame(address, gateway)));
  const obstacles = present.filter((address) => isObstacle(address, gateways, options));
  const [first] = obstacles;
  if (first !== undefined && !options.force) throw conflict(link, first, gateways);
  if (missing.length === 0 && obstacles.length === 0) return;
  const removals = obstacles.map((address) => deleteAddress(link, address));
  const additions = missing.map((gateway) => addAddress(link, gatewayAddress(gateway, options)));
  const requests = [...removals, ...additions, ...(missing.length > 0 ? [setLink(link, { mac: ownMac(link) })] : [])];
  // Whoever does the same at the same time may be faster: what is done already is no error.
  const acks = connection.tryAll(requests);
  requests.forEach((request, i) => {
    const ack = acks[i];
    const done = errno(i < removals.length ? "EADDRNOTAVAIL" : "EEXIST");
    if (ack !== undefined && ack.errno !== 0 && ack.errno !== done) throw new NetlinkError(request.operation(), ack);
  });
}

/** A bridge that has lost its ports has no address that it could keep: 00:00:00:00:00:00. */
function ownMac({ mac }: BriefLink): Mac {
  return mac.some((byte) => byte !== 0) ? mac : localMac(randomBytes(6));
}

/** Throws CheckError, naming what is missing, where the link does not carry all these addresses. */
export function checkGateways(connection: Connection, link: BriefLink, gateways: readonly Cidr[]): void {
  const present = listAddresses(connection, { device: link });
  const missing = gateways.filter((gateway) => !present.some((address) => isSame(address, gateway)));
  if (missing.length === 0) return;
  throw new CheckError(`the gateway addresses ${missing.map(formatCidr).join(", ")} are missing on ${link.name}`);
}

function isSame(address: Cidr, gateway: Cidr): boolean {
  return address.prefixLength === gateway.prefixLength && sameBytes(address.ip, gateway.ip);
}

function isObstacle(address: Address, gateways: readonly Cidr[], { belongs }: GatewayOptions): boolean {
  const others = gateways.filter((gateway) => gateway.ip.length === address.ip.length);
  if (others.some((gateway) => isSame(address, gateway))) return false;
  const isInTheWay =
    address.ip.length === 4
      ? others.length > 0
      : others.some((gateway) => contains(gateway, address.ip) || contains(address, gateway.ip));
  return isInTheWay && !belongs(address);
}

function conflict(link: BriefLink, address: Address, gateways: readonly Cidr[]): AddressConflictError {
  const wanted = gateways.filter((gateway) => gateway.ip.length === address.ip.length).map(formatCidr);
  return new AddressConflictError(
    `${JSON.stringify(link.name)} already has the address ${formatCidr(address)}, which is in the way of the gateway ${wanted.join(", ")}`,
  );
}

const BROADCAST_MAX = 30; // RFC 3021: a longer IPv4 prefix has no broadcast address

function gatewayAddress(gateway: Cidr, { detectDuplicates }: GatewayOptions): NewAddress {
  if (gateway.ip.length === 16) return { ...gateway, flags: detectDuplicates ? 0 : IFA_F.NODAD };
  return gateway.prefixLength <= BROADCAST_MAX ? { ...gateway, broadcast: lastOf(gateway) } : gateway;
}
