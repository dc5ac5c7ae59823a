// Conditions of rules. Each composer returns the expressions of one condition and owns the registers that it uses; a rule
// is a concatenation of conditions and statements (statement.ts). A composer's comment has the text that `nft list` makes
// of it.

import { engine } from "../sys/engine.ts";
import { encode, u32 } from "../wire/codec.ts";
import { IFNAMSIZ } from "../wire/ifname.ts";
import { type Cidr, familyOf, maskOf, networkOf } from "../wire/ip.ts";
import type { Mac } from "../wire/mac.ts";
import { NFT_CMP } from "./expr/cmp.ts";
import { NFT_LOOKUP_F } from "./expr/lookup.ts";
import { NFT_RANGE } from "./expr/range.ts";
import type { Expression } from "./expression.ts";
import { portBytes } from "./nat-range.ts";
import {
  daddr,
  dport,
  etherDaddr,
  etherSaddr,
  iifname,
  iiftype,
  l4proto,
  loadAll,
  mark,
  nfproto,
  oifname,
  protocol,
  type Selector,
  saddr,
} from "./selector.ts";
import { NFT_REG } from "./uapi.ts";

/** In host order: include/uapi/linux/if_arp.h. */
const ARPHRD_ETHER = Uint8Array.of(1, 0);

/** `<selector> 0x…`: the selector has this value; with `op` of NFT_CMP another comparison. */
export function compare(selector: Selector, value: Uint8Array, op: number = NFT_CMP.EQ): Expression[] {
  return [selector.load(NFT_REG[1], value.length), { kind: "cmp", sreg: NFT_REG[1], op, data: value }];
}

/** `<selector> & mask == value`: of the bits that the mask selects; `value` has none besides. */
export function compareMasked(
  selector: Selector,
  mask: Uint8Array,
  value: Uint8Array,
  op: number = NFT_CMP.EQ,
): Expression[] {
  const reg = NFT_REG[1];
  return [
    selector.load(reg),
    { kind: "bitwise", sreg: reg, dreg: reg, len: mask.length, mask, xor: new Uint8Array(mask.length) },
    { kind: "cmp", sreg: reg, op, data: value },
  ];
}

/** `ct state established,related`: one of these bits is set. */
export function hasAnyBit(selector: Selector, bits: number): Expression[] {
  return compareMasked(selector, encode(u32, bits), new Uint8Array(4), NFT_CMP.NEQ);
}

/** `tcp dport 8000-8080`: from the first value to the last, both included; as bytes, so only for network order. */
export function inRange(selector: Selector, first: Uint8Array, last: Uint8Array): Expression[] {
  return [...compare(selector, first, NFT_CMP.GTE), { kind: "cmp", sreg: NFT_REG[1], op: NFT_CMP.LTE, data: last }];
}

/** `tcp dport != 8000-8080` */
export function notInRange(selector: Selector, first: Uint8Array, last: Uint8Array): Expression[] {
  return [selector.load(NFT_REG[1]), { kind: "range", sreg: NFT_REG[1], op: NFT_RANGE.NEQ, from: first, to: last }];
}

/** The first bits of the selector are those of the prefix. */
function comparePrefix(selector: Selector, prefix: Cidr, op: number): Expression[] {
  const { ip, prefixLength } = networkOf(prefix);
  // As nft does it: whole bytes need no mask.
  if (prefixLength > 0 && prefixLength % 8 === 0) return compare(selector, ip.subarray(0, prefixLength / 8), op);
  return compareMasked(selector, maskOf(prefixLength, familyOf(ip)), ip, op);
}

/** `ip saddr 10.0.0.0/8`, `ip6 saddr fd00::/8`: the address tells the family. */
export function ipSaddr(prefix: Cidr): Expression[] {
  return comparePrefix(saddr(familyOf(prefix.ip)), prefix, NFT_CMP.EQ);
}

/** `ip saddr != 10.0.0.0/8` */
export function ipSaddrNot(prefix: Cidr): Expression[] {
  return comparePrefix(saddr(familyOf(prefix.ip)), prefix, NFT_CMP.NEQ);
}

/** `ip daddr 10.0.0.0/8` */
export function ipDaddr(prefix: Cidr): Expression[] {
  return comparePrefix(daddr(familyOf(prefix.ip)), prefix, NFT_CMP.EQ);
}

/** `ip daddr != 10.0.0.0/8` */
export function ipDaddrNot(prefix: Cidr): Expression[] {
  return comparePrefix(daddr(familyOf(prefix.ip)), prefix, NFT_CMP.NEQ);
}

/** `meta nfproto ipv4`: in tables of the family inet, before looking at an address. `family` is of NFPROTO. */
export function metaNfproto(family: number): Expression[] {
  return compare(nfproto, Uint8Array.of(family));
}

/** `meta l4proto tcp`, by number: 6 for TCP, 17 for UDP, 132 for SCTP. Goes before looking at ports. */
export function metaL4proto(number: number): Expression[] {
  return compare(l4proto, Uint8Array.of(number));
}

/** `meta protocol ip`, by number, 0x0800 for IPv4: in tables of the family bridge, before looking at an address. */
export function metaProtocol(ethertype: number): Expression[] {
  return compare(protocol, Uint8Array.of(ethertype >> 8, ethertype & 0xff));
}

/** `meta iiftype ether`: in families other than bridge and netdev, before looking at a MAC. */
export function metaIiftypeEther(): Expression[] {
  return compare(iiftype, ARPHRD_ETHER);
}

/** `tcp dport 80` after metaL4proto(6). A port as bytes: network order. Throws RangeError. */
export function thDport(port: number): Expression[] {
  return compare(dport, portBytes(port));
}

/** `meta mark 0x10`, or `meta mark & 0xf0 == 0x10` with a mask. */
export function metaMark(value: number, mask?: number): Expression[] {
  if (mask === undefined) return compare(mark, encode(u32, value));
  return compareMasked(mark, encode(u32, mask), encode(u32, value));
}

/** An interface name as the kernel compares it: 16 bytes, so that `eth1` isn't also the beginning of `eth10`. */
export function ifnameKey(name: string): Uint8Array {
  const key = new Uint8Array(IFNAMSIZ);
  key.set(ifnameBytes(name));
  return key;
}

function ifnameBytes(name: string): Uint8Array {
  const bytes = engine.encode(name);
  if (bytes.length === 0 || bytes.length >= IFNAMSIZ || /[\s\0]/.test(name)) {
    throw new RangeError(`${JSON.stringify(name)} cannot be matched as an interface name`);
  }
  return bytes;
}

/** `iifname "eth0"` */
export function iifnameIs(name: string): Expression[] {
  return compare(iifname, ifnameKey(name));
}

/** `iifname != "eth0"` */
export function iifnameIsNot(name: string): Expression[] {
  return compare(iifname, ifnameKey(name), NFT_CMP.NEQ);
}

/** `iifname "veth*"` */
export function iifnameBegins(prefix: string): Expression[] {
  return compare(iifname, ifnameBytes(prefix));
}

/** `oifname "eth0"` */
export function oifnameIs(name: string): Expression[] {
  return compare(oifname, ifnameKey(name));
}

/** `oifname != "eth0"` */
export function oifnameIsNot(name: string): Expression[] {
  return compare(oifname, ifnameKey(name), NFT_CMP.NEQ);
}

/** `oifname "veth*"` */
export function oifnameBegins(prefix: string): Expression[] {
  return compare(oifname, ifnameBytes(prefix));
}

/** `ether saddr 0a:58:0a:16:00:05`; in families other than bridge and netdev after metaIiftypeEther. */
export function etherSaddrIs(mac: Mac): Expression[] {
  return compare(etherSaddr, mac);
}

/** `ether saddr != 0a:58:0a:16:00:05` */
export function etherSaddrIsNot(mac: Mac): Expression[] {
  return compare(etherSaddr, mac, NFT_CMP.NEQ);
}

/** `ether daddr 0a:58:0a:16:00:05` */
export function etherDaddrIs(mac: Mac): Expression[] {
  return compare(etherDaddr, mac);
}

/** `iifname . ether saddr @set`: what the selectors say, one behind the other, is in the set. */
export function isIn(selectors: readonly Selector[], set: string): Expression[] {
  return [...loadAll(selectors), { kind: "lookup", set, sreg: NFT_REG[1] }];
}

/** `ip saddr != @set` */
export function isNotIn(selectors: readonly Selector[], set: string): Expression[] {
  return [...loadAll(selectors), { kind: "lookup", set, sreg: NFT_REG[1], flags: NFT_LOOKUP_F.INV }];
}
