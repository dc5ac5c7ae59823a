// Addresses and routes of CNI results for tests, written as the result's JSON has them.

import type { IpConfig, Result, Route } from "../../src/cni/result.ts";
import { type Cidr, formatCidr, type Ip, parseCidr, parseIp } from "../../src/wire/ip.ts";

/** An address of a result: `10.1.0.5/24`, and its gateway. */
export function ipConfig(address: string, gateway?: string): IpConfig {
  return { ...cidr(address), gateway: gateway === undefined ? undefined : ip(gateway) };
}

/** A route of a result. */
export function route(dst: string, { gw, ...rest }: Omit<Route, "dst" | "gw"> & { readonly gw?: string } = {}): Route {
  return { dst: cidr(dst), ...(gw === undefined ? {} : { gw: ip(gw) }), ...rest };
}

/** The addresses of a result as text. */
export function addressesOf({ ips }: Pick<Result, "ips">): string[] {
  return ips.map(formatCidr);
}

function cidr(text: string): Cidr {
  const read = parseCidr(text);
  if (read === undefined) throw new Error(`${text} is no prefix`);
  return read;
}

function ip(text: string): Ip {
  const read = parseIp(text);
  if (read === undefined) throw new Error(`${text} is no address`);
  return read;
}
