// What a DHCPv6 server has granted.

import type { Dns } from "../../cni/result.ts";
import { formatIp, type Ip } from "../../wire/ip.ts";
import { searchDomains } from "../domain-search.ts";
import type { LeaseTimes } from "../lease.ts";
import type { Associated, Association, Reply6 } from "./message.ts";
import { INFINITY, STATUS } from "./uapi.ts";

/** An address for some time. `since` is in milliseconds, on one clock that does not stop; the other times are in seconds. */
export interface Lease6 {
  readonly ip: Ip;
  readonly preferred: number;
  readonly valid: number;
  /** When it is to be renewed, and rebound; 0: the server leaves that to the client. */
  readonly t1: number;
  readonly t2: number;
  /** The server, by its DUID. */
  readonly server: Uint8Array;
  readonly dns: Dns;
  /** When it was asked for: its time runs from there. */
  readonly since: number;
}

/** A server that grants less would have its clients do nothing else. */
const LEAST_SECONDS = 5;
/** What is left to the client: RFC 8415 section 14.2. */
const [T1_PART, T2_PART] = [0.5, 0.8];

/** When the lease is to be renewed, rebound, and ends. */
export function timesOf({ preferred, valid, t1, t2, since }: Lease6): LeaseTimes {
  const at = (seconds: number): number => (seconds === INFINITY ? Infinity : since + seconds * 1000);
  if (valid === INFINITY && t1 === 0) return { renewal: Infinity, rebinding: Infinity, expiry: Infinity };
  const end = Math.max(valid, LEAST_SECONDS);
  // An address that nobody prefers any more is renewed as if it were.
  const base = preferred === INFINITY || preferred === 0 ? end : Math.min(Math.max(preferred, LEAST_SECONDS), end);
  const rebinding = Math.min(t2 === 0 ? base * T2_PART : t2, end);
  const renewal = Math.min(t1 === 0 ? base * T1_PART : Math.max(t1, 1), rebinding);
  return { renewal: at(renewal), rebinding: at(rebinding), expiry: at(end) };
}

/** The association of the reply that has this IAID. T1 must not come after T2 (RFC 8415 section 21.4). */
export function associationOf({ associations }: Reply6, iaid: number): Association | undefined {
  return associations.find((one) => one.iaid === iaid && !(one.t1 > one.t2 && one.t2 > 0));
}

/** The lease that a reply grants; undefined where it grants none that can be one. */
export function leaseIn(reply: Reply6, iaid: number, since: number): Lease6 | undefined {
  const association = associationOf(reply, iaid);
  const { serverId: server } = reply;
  if (association?.status !== STATUS.SUCCESS || server === undefined) return undefined;
  const address = association.addresses.find(isGranted);
  if (address === undefined) return undefined;
  const { ip, preferred, valid } = address;
  return { ip, preferred, valid, t1: association.t1, t2: association.t2, server, dns: dnsIn(reply), since };
}

/** Name servers and search list. */
export function dnsIn({ nameservers, domains }: Pick<Reply6, "nameservers" | "domains">): Dns {
  const search = searchDomains(domains);
  return {
    nameservers: nameservers.length > 0 ? nameservers.map(formatIp) : undefined,
    search: search.length > 0 ? search : undefined,
  };
}

function isGranted({ ip, preferred, valid, status }: Associated): boolean {
  return status === STATUS.SUCCESS && valid > 0 && preferred <= valid && isHost(ip);
}

/** Whether an address can be that of a host beyond its link: not ::, ::1, ff00::/8 or fe80::/10, nor one of IPv4. */
function isHost(ip: Ip): boolean {
  const [first = 0, second = 0] = ip;
  const isLow = ip.subarray(0, 8).every((byte) => byte === 0);
  return !isLow && first !== 0xff && !(first === 0xfe && (second & 0xc0) === 0x80);
}
