// What a server has granted: the values of an ACK's options.

import type { Dns } from "../cni/result.ts";
import { engine } from "../sys/engine.ts";
import { DecodeError } from "../wire/error.ts";
import { type Cidr, compareIp, formatIp, type Ip, lastOf, maskLength, networkOf } from "../wire/ip.ts";
import type { Mac } from "../wire/mac.ts";
import { searchDomains } from "./domain-search.ts";
import type { Reply } from "./message.ts";
import type { Options } from "./options.ts";
import { INFINITE, OPTION } from "./uapi.ts";

/** An address for some time. All times are in milliseconds, on one clock that does not stop. */
export interface Lease {
  readonly ip: Ip;
  /** All that the server said with it. */
  readonly options: Options;
  /** The server, by its option 54. */
  readonly server: Ip;
  /** Who on the link has brought the server's answer. */
  readonly serverMac: Mac;
  /** When it was asked for: its time runs from there. */
  readonly since: number;
}

/** When what is due; Infinity: never. */
export interface LeaseTimes {
  readonly renewal: number;
  readonly rebinding: number;
  readonly expiry: number;
}

const DEFAULT_SECONDS = 3600;
/** A server that grants less would have its clients do nothing else. */
const LEAST_SECONDS = 5;

/**
 * When the lease is to be renewed, rebound, and ends. T1 and T2 are the server's where they are in order, else half and
 * seven eighths of the lease (RFC 2131 section 4.4.5).
 */
export function timesOf({ options, since }: Lease): LeaseTimes {
  const said = u32Of(options, OPTION.LEASE_TIME) ?? DEFAULT_SECONDS;
  if (said === INFINITE) return { renewal: Infinity, rebinding: Infinity, expiry: Infinity };
  const seconds = Math.max(said, LEAST_SECONDS);
  const [t1, t2] = [u32Of(options, OPTION.RENEWAL_TIME), u32Of(options, OPTION.REBINDING_TIME)];
  const rebinding = t2 !== undefined && t2 > 0 && t2 < seconds ? t2 : seconds * 0.875;
  const renewal = t1 !== undefined && t1 > 0 && t1 < rebinding ? t1 : Math.min(seconds * 0.5, rebinding);
  const at = (later: number): number => since + later * 1000;
  return { renewal: at(renewal), rebinding: at(rebinding), expiry: at(seconds) };
}

/** The server's identifier; undefined where there is none that can be one. */
export function serverOf({ options }: Pick<Reply, "options">): Ip | undefined {
  const server = options.get(OPTION.SERVER_IDENTIFIER);
  return server?.length === 4 ? server : undefined;
}

/** Why an address that a server offers can't be anybody's; undefined where it can. */
export function problemOf({ yiaddr, options }: Pick<Reply, "yiaddr" | "options">): string | undefined {
  const [first = 0] = yiaddr;
  if (first === 0 || first === 127 || first >= 224) return `${formatIp(yiaddr)} is no address of a host`;
  const mask = options.get(OPTION.SUBNET_MASK);
  if (mask === undefined) return undefined;
  const prefixLength = prefixLengthOf(mask);
  if (prefixLength === undefined) return "the subnet mask is not that of a prefix";
  const address = { ip: yiaddr, prefixLength };
  const isEdge = compareIp(networkOf(address).ip, yiaddr) === 0 || compareIp(lastOf(address), yiaddr) === 0;
  return prefixLength < 31 && isEdge
    ? `${formatIp(yiaddr)} is the address of its network, or of all its hosts`
    : undefined;
}

/** The address with the prefix that option 1 says. Throws DecodeError, in upstream's words, where there is none. */
export function addressOf({ ip, options }: Pick<Lease, "ip" | "options">): Cidr {
  const mask = options.get(OPTION.SUBNET_MASK);
  const prefixLength = mask === undefined ? undefined : prefixLengthOf(mask);
  if (prefixLength === undefined) throw new DecodeError("DHCP option Subnet Mask not found in DHCPACK");
  return { ip, prefixLength };
}

/** The first router (option 3). */
export function gatewayOf({ options }: Pick<Lease, "options">): Ip | undefined {
  return addressesOf(options, OPTION.ROUTERS)[0];
}

/** Name servers, domain and search list. */
export function dnsOf({ options }: Pick<Lease, "options">): Dns {
  const servers = addressesOf(options, OPTION.DOMAIN_NAME_SERVERS).map(formatIp);
  const domain = textOf(options.get(OPTION.DOMAIN_NAME));
  const search = searchDomains(options.get(OPTION.DOMAIN_SEARCH) ?? new Uint8Array(0));
  return {
    nameservers: servers.length > 0 ? servers : undefined,
    domain,
    search: search.length > 0 ? search : undefined,
  };
}

const LEAST_MTU = 68; // RFC 2132 section 5.1

/** The MTU of the link (option 26), where the server says a possible one. */
export function mtuOf({ options }: Pick<Lease, "options">): number | undefined {
  const value = options.get(OPTION.INTERFACE_MTU);
  if (value?.length !== 2) return undefined;
  const mtu = ((value[0] ?? 0) << 8) | (value[1] ?? 0);
  return mtu >= LEAST_MTU ? mtu : undefined;
}

/** The addresses of an option; none where its length is not that of a list of addresses. */
export function addressesOf(options: Options, code: number): Ip[] {
  const value = options.get(code) ?? new Uint8Array(0);
  if (value.length % 4 !== 0) return [];
  return Array.from({ length: value.length / 4 }, (_, i) => value.slice(i * 4, i * 4 + 4));
}

function u32Of(options: Options, code: number): number | undefined {
  const value = options.get(code);
  return value?.length === 4 ? new DataView(value.buffer, value.byteOffset, 4).getUint32(0, false) : undefined;
}

/** The length of the prefix that a mask of IPv4 has; undefined where it is none, or 0. */
function prefixLengthOf(mask: Uint8Array): number | undefined {
  return (mask.length === 4 && maskLength(mask)) || undefined;
}

/** A name that can stand in resolv.conf; some servers end theirs with a NUL. */
function textOf(value: Uint8Array | undefined): string | undefined {
  const text = engine.decode(value ?? new Uint8Array(0)).replace(/\0+$/, "");
  return /^[\w.-]+$/.test(text) ? text : undefined;
}
