// Addresses of links: `ip address`.

import type { Connection } from "../netlink/connection.ts";
import { type Message, type Request, request } from "../netlink/message.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { attr, attrs } from "../wire/attrs.ts";
import { cstring, type Infer, sameBytes, u8, u32 } from "../wire/codec.ts";
import { DecodeError, decodeWithin } from "../wire/error.ts";
import { type Cidr, type Family, formatCidr, formatIp, type Ip } from "../wire/ip.ts";
import { struct } from "../wire/struct.ts";
import { ip } from "./codecs.ts";
import { addressFamily, type Device, deviceText } from "./device.ts";
import { IFA, IFA_F, RT_SCOPE, RTM } from "./uapi.ts";

/** struct ifaddrmsg, include/uapi/linux/if_addr.h */
const ifaddrmsg = struct({ family: u8, prefixLength: u8, flags: u8, scope: u8, index: u32 });

/** struct ifa_cacheinfo, include/uapi/linux/if_addr.h */
const cacheInfo = struct({ preferred: u32, valid: u32, created: u32, updated: u32 });

/** include/uapi/linux/if_addr.h, IFA_* */
const addressAttributes = attrs({
  local: attr(IFA.LOCAL, ip),
  address: attr(IFA.ADDRESS, ip),
  broadcast: attr(IFA.BROADCAST, ip),
  label: attr(IFA.LABEL, cstring),
  flags: attr(IFA.FLAGS, u32),
  routePriority: attr(IFA.RT_PRIORITY, u32),
  protocol: attr(IFA.PROTO, u8),
  cacheInfo: attr(IFA.CACHEINFO, cacheInfo),
});

type AddressAttributes = Infer<typeof addressAttributes>;

/** An address to be given to a link; a plain Cidr is one. The prefix length is that of `peer` where there is one. */
export interface NewAddress extends Cidr {
  /** The other end of a point-to-point link. */
  readonly peer?: Ip | undefined;
  /** IPv4 only. */
  readonly broadcast?: Ip | undefined;
  /** RT_SCOPE; of IPv6 addresses the kernel decides it. UNIVERSE when absent. */
  readonly scope?: number | undefined;
  /** IFA_F bits: NODAD lets an IPv6 address be used at once. */
  readonly flags?: number | undefined;
  /** For how many seconds it is preferred, and valid at all; for ever when absent. */
  readonly lifetime?: { readonly preferred: number; readonly valid: number } | undefined;
  /** IPv4 only; must begin with the link's name. */
  readonly label?: string | undefined;
}

/** An address as the kernel describes it. */
export interface Address extends NewAddress {
  /** The link that has it. */
  readonly index: number;
  readonly scope: number;
  readonly flags: number;
}

/** Like `ip address add`. Fails with EEXIST when the link has it already. */
export function addAddress(device: Device, address: NewAddress): Request {
  const operation = (): string => `address add ${addressText(address)} dev ${deviceText(device)}`;
  return addressRequest(RTM.NEWADDR, NLM_F.CREATE | NLM_F.EXCL, operation, device, address);
}

/** Like `ip address replace`: adds it, or changes the flags of the one that is there. */
export function replaceAddress(device: Device, address: NewAddress): Request {
  const operation = (): string => `address replace ${addressText(address)} dev ${deviceText(device)}`;
  return addressRequest(RTM.NEWADDR, NLM_F.CREATE | NLM_F.REPLACE, operation, device, address);
}

/** Like `ip address delete`. Fails with EADDRNOTAVAIL when the link does not have it. */
export function deleteAddress(device: Device, address: NewAddress): Request {
  const operation = (): string => `address delete ${addressText(address)} dev ${deviceText(device)}`;
  return addressRequest(RTM.DELADDR, 0, operation, device, address);
}

/** Like `ip address show`: of all links or one, of both families or one. */
export function listAddresses(
  connection: Connection,
  only: { readonly device?: Device; readonly family?: Family } = {},
): Address[] {
  const { device, family } = only;
  const operation = (): string => `address show${device === undefined ? "" : ` dev ${deviceText(device)}`}`;
  const header = {
    family: family === undefined ? 0 : addressFamily(family),
    prefixLength: 0,
    flags: 0,
    scope: 0,
    index: device?.index ?? 0,
  };
  const dump = request(RTM.GETADDR, 0, operation, [ifaddrmsg, header], [addressAttributes, {}]);
  return connection.dump(dump).map(decodeAddress);
}

/** An address from an RTM_NEWADDR or RTM_DELADDR, answered or heard. Throws DecodeError. */
export function decodeAddress(message: Message): Address {
  return decodeWithin("address", () => {
    const header = ifaddrmsg.decode(message.payload);
    const found = addressAttributes.decode(message.payload.subarray(ifaddrmsg.size));
    // IFA_ADDRESS is the peer where IFA_LOCAL differs; IPv6 sends IFA_LOCAL only when there is a peer.
    const own = found.local ?? found.address;
    if (own === undefined) throw new DecodeError("neither IFA_LOCAL nor IFA_ADDRESS");
    const flags = found.flags ?? header.flags;
    const { preferred = 0, valid = 0 } = found.cacheInfo ?? {};
    const peer = found.address === undefined || sameBytes(found.address, own) ? undefined : found.address;
    return {
      index: header.index,
      ip: own,
      prefixLength: header.prefixLength,
      peer,
      broadcast: found.broadcast,
      scope: header.scope,
      flags,
      lifetime: (flags & IFA_F.PERMANENT) !== 0 || found.cacheInfo === undefined ? undefined : { preferred, valid },
      label: found.label,
    };
  });
}

/** Whether duplicate address detection has yet to say that an IPv6 address can be used. */
export function isTentative(address: Address): boolean {
  return (address.flags & IFA_F.TENTATIVE) !== 0;
}

function addressRequest(
  type: number,
  nlmFlags: number,
  operation: () => string,
  device: Device,
  address: NewAddress,
): Request {
  const { flags = 0, scope = RT_SCOPE.UNIVERSE, lifetime } = address;
  const header = {
    family: addressFamily(address.ip),
    prefixLength: address.prefixLength,
    flags: flags <= 0xff ? flags : 0,
    scope,
    index: device.index,
  };
  const attributes: AddressAttributes = {
    local: address.ip,
    address: address.peer ?? address.ip,
    broadcast: address.broadcast,
    label: address.label,
    cacheInfo: lifetime && { ...lifetime, created: 0, updated: 0 },
    flags: flags <= 0xff ? undefined : flags,
  };
  return request(type, nlmFlags, operation, [ifaddrmsg, header], [addressAttributes, attributes]);
}

function addressText(address: NewAddress): string {
  if (address.peer === undefined) return formatCidr(address);
  return `${formatIp(address.ip)} peer ${formatIp(address.peer)}/${address.prefixLength}`;
}
