// Address ranges: what a configuration may say of them, what it leaves out, and what can't be right.

import { CNI_CODE, CniError } from "../cni/error.ts";
import { cidr, ip } from "../cni/fields.ts";
import { object, optional, type Schema } from "../cni/schema.ts";
import {
  type Cidr,
  compareIp,
  contains,
  familyOf,
  formatCidr,
  formatIp,
  type Ip,
  lastOf,
  networkOf,
} from "../wire/ip.ts";

/** Addresses of one subnet that may be given out, and the gateway that may not. */
export interface Range {
  readonly subnet: Cidr;
  /** First address, included. */
  readonly start: Ip;
  /** Last address, included. */
  readonly end: Ip;
  /** Of the subnet's family; need not lie in the range, nor in the subnet. */
  readonly gateway: Ip;
}

/** Ranges of one family, no two of which overlap. An attachment gets one address of each set. */
export type RangeSet = readonly Range[];

/** A range as a configuration says it. */
export interface RangeConfig {
  readonly subnet: Cidr;
  readonly rangeStart: Ip | undefined;
  readonly rangeEnd: Ip | undefined;
  readonly gateway: Ip | undefined;
}

/** The keys of a range beside `subnet`. */
export const rangeFields: { readonly [K in "rangeStart" | "rangeEnd" | "gateway"]: Schema<Ip | undefined> } = {
  rangeStart: optional(ip("first address to give out; the first of the subnet where absent")),
  rangeEnd: optional(ip("last address to give out; the last of the subnet, in IPv4 without broadcast, where absent")),
  gateway: optional(ip("the gateway, never given out; the first address of the subnet where absent")),
};

/** A range in a range set. */
export const rangeSchema: Schema<RangeConfig> = object({
  subnet: cidr("network address and prefix length"),
  ...rangeFields,
});

/** The range with everything filled in. `at` is the path of its configuration. Throws CniError 7. */
export function completeRange(config: RangeConfig, at: string): Range {
  const { subnet } = config;
  const bits = subnet.ip.length * 8;
  if (subnet.prefixLength > bits - 2) {
    invalid(`${at}.subnet`, `${formatCidr(subnet)} is too small to allocate from`, `use a /${bits - 2} or larger`);
  }
  if (!isNetwork(subnet)) {
    const network = formatCidr(networkOf(subnet));
    invalid(`${at}.subnet`, `${formatCidr(subnet)} has host bits set`, `the network is ${network}`);
  }
  // Neither leads out of a subnet of four addresses or more.
  const first = withLastBit(subnet.ip, 1);
  const last = lastOf(subnet);
  const start = inSubnet(config.rangeStart, subnet, at, "rangeStart") ?? first;
  const end = inSubnet(config.rangeEnd, subnet, at, "rangeEnd") ?? (familyOf(last) === 4 ? withLastBit(last, 0) : last);
  if (compareIp(start, end) > 0) {
    invalid(at, `rangeStart ${formatIp(start)} comes after rangeEnd ${formatIp(end)}`);
  }
  const gateway = config.gateway ?? first;
  if (familyOf(gateway) !== familyOf(first)) {
    const [is, family] = [familyOf(gateway), familyOf(first)];
    invalid(`${at}.gateway`, `${formatIp(gateway)} is IPv${is}, and subnet ${formatCidr(subnet)} is IPv${family}`);
  }
  return { subnet, start, end, gateway };
}

function inSubnet(ip: Ip | undefined, subnet: Cidr, at: string, key: string): Ip | undefined {
  if (ip !== undefined && !contains(subnet, ip)) {
    invalid(`${at}.${key}`, `${formatIp(ip)} is not in subnet ${formatCidr(subnet)}`);
  }
  return ip;
}

/** Whether no bit is set behind the prefix. */
function isNetwork({ ip, prefixLength }: Cidr): boolean {
  const whole = prefixLength >> 3;
  if (((ip[whole] ?? 0) & (0xff >> (prefixLength & 7))) !== 0) return false;
  for (let i = whole + 1; i < ip.length; i++) if (ip[i] !== 0) return false;
  return true;
}

function withLastBit(ip: Ip, bit: 0 | 1): Ip {
  const copy = ip.slice();
  copy[ip.length - 1] = ((ip[ip.length - 1] ?? 0) & ~1) | bit;
  return copy;
}

/** A range set with everything filled in; `paths` are those of its ranges. Throws CniError 7. */
export function completeSet(configs: readonly RangeConfig[], at: string, paths: readonly string[]): RangeSet {
  if (configs.length === 0) invalid(at, "is an empty range set");
  const set = configs.map((config, i) => completeRange(config, paths[i] ?? at));
  set.forEach((range, i) => {
    for (const other of set.slice(0, i)) {
      if (familyOf(other.start) !== familyOf(range.start)) {
        const [a, b] = [formatCidr(other.subnet), formatCidr(range.subnet)];
        invalid(at, `mixes address families: ${a} and ${b}`, "put each family in a range set of its own");
      }
      if (overlap(other, range)) invalid(at, `ranges ${formatRange(other)} and ${formatRange(range)} overlap`);
    }
  });
  return set;
}

/** Throws CniError 7 where an address belongs to two sets; `paths` are those of the sets. */
export function checkDisjoint(sets: readonly RangeSet[], paths: readonly string[]): void {
  sets.forEach((set, i) => {
    sets.slice(0, i).forEach((other, j) => {
      for (const a of other) {
        const b = set.find((range) => overlap(a, range));
        if (b === undefined) continue;
        invalid(paths[i] ?? "", `range ${formatRange(b)} overlaps with ${formatRange(a)} of ${paths[j]}`);
      }
    });
  });
}

function overlap(a: Range, b: Range): boolean {
  return a.start.length === b.start.length && compareIp(a.start, b.end) <= 0 && compareIp(b.start, a.end) <= 0;
}

/** Whether the address may be given out of this range, were it not for the gateway. */
export function rangeContains(range: Pick<Range, "start" | "end">, ip: Ip): boolean {
  return ip.length === range.start.length && compareIp(range.start, ip) <= 0 && compareIp(ip, range.end) <= 0;
}

/** The range of the set that the address lies in. */
export function rangeFor(set: RangeSet, ip: Ip): Range | undefined {
  return set.find((range) => rangeContains(range, ip));
}

/** How many addresses the set can give out; an approximation where there are more than 2^53. */
export function capacityOf(set: RangeSet): number {
  return set.reduce((sum, { start, end, gateway }) => {
    let span = 0;
    for (let i = 0; i < start.length; i++) span = span * 256 + (end[i] ?? 0) - (start[i] ?? 0);
    return sum + span + (rangeContains({ start, end }, gateway) ? 0 : 1);
  }, 0);
}

/** `10.22.0.1-10.22.0.254` */
export function formatRange(range: Range): string {
  return `${formatIp(range.start)}-${formatIp(range.end)}`;
}

/** The ranges of a set, comma between. */
export function formatSet(set: RangeSet): string {
  return set.map(formatRange).join(",");
}

function invalid(at: string, problem: string, details?: string): never {
  throw new CniError(CNI_CODE.INVALID_CONFIG, `${at}: ${problem}`, details);
}
