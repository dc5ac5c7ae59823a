// IP addresses and prefixes as bytes in network order: four for IPv4, sixteen for IPv6.

import { compareBytes } from "./codec.ts";

/** An address in network byte order; its length is its family. */
export type Ip = Uint8Array;

/** An address and the length of its prefix. The address may have bits set behind the prefix: see networkOf. */
export interface Cidr {
  readonly ip: Ip;
  readonly prefixLength: number;
}

export type Family = 4 | 6;

/** Both families, IPv4 first. */
export const FAMILIES: readonly Family[] = [4, 6];

/** 4 or 6. */
export function familyOf(ip: Ip): Family {
  return ip.length === 4 ? 4 : 6;
}

/** The things with an address by the family of that address, IPv4 first; a family that has none is left out. */
export function byFamily<T extends { readonly ip: Ip }>(things: readonly T[]): [Family, T[]][] {
  return FAMILIES.flatMap((family): [Family, T[]][] => {
    const own = things.filter(({ ip }) => familyOf(ip) === family);
    return own.length === 0 ? [] : [[family, own]];
  });
}

/**
 * Reads an address as Go's net.ParseIP does: dotted quads without leading zeros, IPv6 as in RFC 4291 section 2.2 without
 * zone; IPv4 mapped into IPv6 is the IPv4 address. Returns undefined for anything else. The bytes are the caller's own.
 */
export function parseIp(text: string): Ip | undefined {
  const ip = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
  return ip !== undefined && isIpv4Mapped(ip) ? ip.slice(12) : ip;
}

// By what the engine does in one step, here and below: to look at each character takes an interpreter several times as
// long, and there may be tens of thousands of addresses to read.
function parseIpv4(text: string): Ip | undefined {
  const parts = text.split(".", 5);
  if (parts.length !== 4) return undefined;
  const ip = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const octet = Number(parts[i]);
    if (!(octet >= 0 && octet <= 255) || String(octet) !== parts[i]) return undefined; // no leading zeros
    ip[i] = octet;
  }
  return ip;
}

function parseIpv6(text: string): Ip | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "", true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
  const ip = new Uint8Array(16);
  ip.set(head);
  ip.set(tail, 16 - tail.length);
  return ip;
}

/** Groups of hexadecimal digits as bytes; the last may be a dotted quad. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i] ?? "";
    const value = hexOf(group);
    if (value >= 0) {
      bytes.push(value >> 8, value & 0xff);
      continue;
    }
    const quad = last && i === groups.length - 1 ? parseIpv4(group) : undefined;
    if (quad === undefined) return undefined;
    bytes.push(...quad);
  }
  return bytes;
}

/** The number that one to four hexadecimal digits stand for; -1 for anything else, of which parseInt takes a lot. */
function hexOf(group: string): number {
  const value = Number.parseInt(group, 16);
  const digits = value.toString(16);
  if (digits === group) return value <= 0xffff ? value : -1;
  const isOtherSpelling = group.length <= 4 && value >= 0 && digits.padStart(group.length, "0") === group.toLowerCase();
  return isOtherSpelling ? value : -1;
}

function isIpv4Mapped(ip: Ip): boolean {
  return ip.length === 16 && ip[10] === 0xff && ip[11] === 0xff && ip.subarray(0, 10).every((byte) => byte === 0);
}

/** The address as text: RFC 5952 for IPv6. */
export function formatIp(ip: Ip): string {
  if (ip.length === 4) return `${ip[0]}.${ip[1]}.${ip[2]}.${ip[3]}`;
  if (isIpv4Mapped(ip)) return `::ffff:${formatIp(ip.subarray(12))}`;
  // RFC 5952 4.2: the longest run of at least two zero groups is compressed, the first of equals.
  let start = -1;
  let length = 1;
  let run = 0;
  for (let i = 0; i <= 8; i++) {
    if (i < 8 && ip[2 * i] === 0 && ip[2 * i + 1] === 0) {
      run++;
      continue;
    }
    if (run > length) {
      start = i - run;
      length = run;
    }
    run = 0;
  }
  let text = "";
  for (let i = 0; i < 8; i++) {
    if (i === start) {
      text += "::";
      i += length - 1;
      continue;
    }
    if (i > 0 && i !== start + length) text += ":";
    text += (((ip[2 * i] ?? 0) << 8) | (ip[2 * i + 1] ?? 0)).toString(16);
  }
  return text;
}

/**
 * Reads `10.22.0.0/16` as Go's net.ParseCIDR does. Returns undefined for anything else, a prefix length over 32 or 128
 * included. IPv4 mapped into IPv6 (`::ffff:10.22.0.0/112`) is the IPv4 prefix.
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const ip = parseIp(text.slice(0, slash));
  const prefixLength = parsePrefixLength(text, slash + 1);
  if (ip === undefined || prefixLength === undefined) return undefined;
  const isMapped = ip.length === 4 && text.includes(":");
  if (prefixLength > (isMapped ? 128 : ip.length * 8)) return undefined;
  return { ip, prefixLength: isMapped ? Math.max(0, prefixLength - 96) : prefixLength };
}

/** One to three digits, and nothing behind them. */
function parsePrefixLength(text: string, start: number): number | undefined {
  if (start === text.length || text.length > start + 3) return undefined;
  let length = 0;
  for (let i = start; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    length = length * 10 + digit;
  }
  return length;
}

/** `10.22.0.5/16`: the address as it stands, and the prefix length. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.ip)}/${cidr.prefixLength}`;
}

/** The mask of a prefix: 255.255.0.0 for 16 and family 4. */
export function maskOf(prefixLength: number, family: Family): Ip {
  const mask = new Uint8Array(family === 4 ? 4 : 16);
  const whole = prefixLength >> 3;
  mask.fill(0xff, 0, whole);
  if (whole < mask.length) mask[whole] = 0xff00 >> (prefixLength & 7);
  return mask;
}

/** The length of the prefix that has this mask; undefined where its ones are not all at the beginning. */
export function maskLength(mask: Ip): number | undefined {
  const family = familyOf(mask);
  const lengths = Array.from({ length: mask.length * 8 + 1 }, (_, length) => length);
  return lengths.find((length) => compareIp(maskOf(length, family), mask) === 0);
}

/** The prefix with all bits behind it cleared: 10.22.0.0/16 for 10.22.0.5/16. */
export function networkOf(cidr: Cidr): Cidr {
  const { prefixLength } = cidr;
  const ip = cidr.ip.slice();
  const whole = prefixLength >> 3;
  if (whole < ip.length) {
    ip[whole] = (ip[whole] ?? 0) & (0xff00 >> (prefixLength & 7));
    ip.fill(0, whole + 1);
  }
  return { ip, prefixLength };
}

/** The last address of the prefix; in IPv4 the broadcast address. */
export function lastOf({ ip, prefixLength }: Cidr): Ip {
  const last = ip.slice();
  const whole = prefixLength >> 3;
  if (whole < last.length) {
    last[whole] = (last[whole] ?? 0) | (0xff >> (prefixLength & 7));
    last.fill(0xff, whole + 1);
  }
  return last;
}

/** Whether the address is of the prefix's family and inside it. */
export function contains({ ip: network, prefixLength }: Cidr, ip: Ip): boolean {
  if (ip.length !== network.length) return false;
  const whole = prefixLength >> 3;
  for (let i = 0; i < whole; i++) if (ip[i] !== network[i]) return false;
  if (whole === ip.length) return true;
  return (((ip[whole] ?? 0) ^ (network[whole] ?? 0)) & (0xff00 >> (prefixLength & 7)) & 0xff) === 0;
}

/** The prefix of this address alone: 10.22.0.5/32. */
export function hostPrefix(ip: Ip): Cidr {
  return { ip, prefixLength: ip.length * 8 };
}

/** Whether the prefix is of one address alone. */
export function isSingleHost({ ip, prefixLength }: Cidr): boolean {
  return prefixLength === ip.length * 8;
}

/** Whether both are the same address with the same prefix length. */
export function sameCidr(a: Cidr, b: Cidr): boolean {
  return a.prefixLength === b.prefixLength && compareIp(a.ip, b.ip) === 0;
}

/** Negative, zero or positive as `a` comes before, with or after `b`; every IPv4 address comes before every IPv6. */
export function compareIp(a: Ip, b: Ip): number {
  return compareBytes(a, b);
}

/** The address `step` further on (or back, where negative), or undefined past the end of the family's addresses. */
export function offsetIp(ip: Ip, step: number): Ip | undefined {
  const next = ip.slice();
  let carry = step;
  for (let i = next.length - 1; i >= 0 && carry !== 0; i--) {
    const rest = Math.floor(carry / 256); // apart from the sum, which could pass what a number holds exactly
    const sum = (next[i] ?? 0) + (carry - rest * 256);
    next[i] = sum & 0xff;
    carry = rest + (sum >> 8);
  }
  return carry === 0 ? next : undefined;
}
