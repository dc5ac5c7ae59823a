// The data types of nft, which the kernel keeps with a set without knowing them (NFTA_SET_KEY_TYPE): by them
// `nft list` knows how to print a key.

import { NFT_DATA_VERDICT } from "./uapi.ts";

/** Numbers of nft's data types, enum datatypes of nft's datatype.h. */
export const TYPE = {
  VERDICT: 1,
  INTEGER: 4,
  IPADDR: 7,
  IP6ADDR: 8,
  ETHERADDR: 9,
  ETHERTYPE: 10,
  INET_PROTOCOL: 12,
  INET_SERVICE: 13,
  ICMP_TYPE: 14,
  MARK: 19,
  IFINDEX: 20,
  UID: 24,
  GID: 25,
  CT_STATE: 26,
  ICMP6_TYPE: 29,
  PKTTYPE: 31,
  FIB_ADDR: 38,
  IFNAME: 41,
} as const;

/** A type that takes part in a concatenation has this many bits. */
const TYPE_BITS = 6;
const TYPE_MASK = (1 << TYPE_BITS) - 1;

/** Byte orders as nft notes them with a set: without one it would not print the keys right. */
export const BYTEORDER = { INVALID: 0, HOST: 1, BIG: 2 } as const;

/** Length in bytes and byte order of the types that have them. */
export function layoutOf(type: number): { readonly length: number; readonly byteorder: number } | undefined {
  switch (type) {
    case TYPE.IPADDR:
      return { length: 4, byteorder: BYTEORDER.BIG };
    case TYPE.IP6ADDR:
      return { length: 16, byteorder: BYTEORDER.BIG };
    case TYPE.ETHERADDR:
      return { length: 6, byteorder: BYTEORDER.BIG };
    case TYPE.ETHERTYPE:
    case TYPE.INET_SERVICE:
      return { length: 2, byteorder: BYTEORDER.BIG };
    case TYPE.ICMP_TYPE:
    case TYPE.ICMP6_TYPE:
      return { length: 1, byteorder: BYTEORDER.BIG };
    case TYPE.INET_PROTOCOL:
      return { length: 1, byteorder: BYTEORDER.INVALID };
    case TYPE.PKTTYPE:
      return { length: 1, byteorder: BYTEORDER.HOST };
    case TYPE.IFNAME:
      return { length: 16, byteorder: BYTEORDER.HOST };
    case TYPE.MARK:
    case TYPE.IFINDEX:
    case TYPE.UID:
    case TYPE.GID:
    case TYPE.CT_STATE:
    case TYPE.FIB_ADDR:
      return { length: 4, byteorder: BYTEORDER.HOST };
    default:
      return undefined;
  }
}

/** The type of a concatenation, like `ipv4_addr . inet_service`. Throws RangeError for more than five parts. */
export function concatType(...types: readonly number[]): number {
  if (types.length > 5) throw new RangeError(`a concatenation of ${types.length} types does not fit in 32 bits`);
  return types.reduce((whole, type) => (whole << TYPE_BITS) | type, 0);
}

/** The types that a concatenation consists of; the type itself where it is none. */
export function partsOf(type: number): number[] {
  if (type === NFT_DATA_VERDICT) return [TYPE.VERDICT];
  const parts: number[] = [];
  for (let rest = type; rest !== 0; rest >>>= TYPE_BITS) parts.unshift(rest & TYPE_MASK);
  return parts;
}

/** Length of a key of these types: in a concatenation each part is padded to four bytes. Throws RangeError. */
export function lengthOf(...types: readonly number[]): number {
  const lengths = types.map((type) => {
    const layout = layoutOf(type);
    if (layout === undefined) throw new RangeError(`the data type ${type} has no fixed length`);
    return layout.length;
  });
  if (lengths.length === 1) return lengths[0] ?? 0;
  return lengths.reduce((whole, length) => whole + ((length + 3) & ~3), 0);
}

/** The byte order that nft notes for a set's key or data. */
export function byteorderOf(type: number): number {
  if (type === TYPE.INTEGER) return BYTEORDER.HOST; // numgen's and symhash's
  return layoutOf(type)?.byteorder ?? BYTEORDER.INVALID;
}

/** A key of several parts, each padded to four bytes. */
export function concatKey(...parts: readonly Uint8Array[]): Uint8Array {
  const key = new Uint8Array(parts.reduce((length, part) => length + ((part.length + 3) & ~3), 0));
  let at = 0;
  for (const part of parts) {
    key.set(part, at);
    at += (part.length + 3) & ~3;
  }
  return key;
}
