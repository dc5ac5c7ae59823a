// The rules of test/golden/nftables/rules-*.nft, written with our composers: by file, and by the line in the file.

import { IPS } from "../../src/netlink/netfilter.ts";
import { NFT_CMP } from "../../src/nftables/expr/cmp.ts";
import { CT_STATE } from "../../src/nftables/expr/ct.ts";
import { RTN } from "../../src/nftables/expr/fib.ts";
import { NFT_REJECT_ICMPX } from "../../src/nftables/expr/reject.ts";
import type { Expression } from "../../src/nftables/expression.ts";
import * as match from "../../src/nftables/match.ts";
import * as selector from "../../src/nftables/selector.ts";
import * as statement from "../../src/nftables/statement.ts";
import { NFPROTO } from "../../src/nftables/uapi.ts";
import { encode, u32 } from "../../src/wire/codec.ts";
import { type Cidr, type Ip, parseCidr, parseIp } from "../../src/wire/ip.ts";
import { parseMac } from "../../src/wire/mac.ts";

const { compare, metaL4proto, metaNfproto } = match;
const { accept, counter, dnat, drop, masquerade, returnVerdict, snat } = statement;
const TCP = 6;

export function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function prefix(text: string): Cidr {
  const parsed = parseCidr(text.includes("/") ? text : `${text}/${ip(text).length * 8}`);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

const mac = parseMac("0a:58:0a:16:00:05") ?? new Uint8Array(6);
const port = (number: number): Uint8Array => Uint8Array.of(number >> 8, number & 0xff);
const v4 = NFPROTO.IPV4;
const v6 = NFPROTO.IPV6;
/** An anonymous map that the test makes first. The name asks the kernel for one; the id tells which map of the transaction is meant. */
const pool: statement.NatMap = { family: v4, map: "__map%d", setId: 7 };

export const RULES: Readonly<Record<string, Readonly<Record<string, readonly Expression[]>>>> = {
  "rules-ip": {
    masquerade: masquerade(),
    "masquerade random": masquerade({ random: true }),
    "masquerade fully-random,persistent": masquerade({ fullyRandom: true, persistent: true }),
    "meta l4proto tcp masquerade to :1024-2048": [
      ...metaL4proto(TCP),
      ...masquerade({ ports: { first: 1024, last: 2048 } }),
    ],
    "meta l4proto tcp masquerade to :1024 random": [
      ...metaL4proto(TCP),
      ...masquerade({ ports: { first: 1024 }, random: true }),
    ],
    "snat to 192.0.2.1": snat({ first: ip("192.0.2.1") }),
    "snat to 192.0.2.1-192.0.2.9 fully-random": snat({
      first: ip("192.0.2.1"),
      last: ip("192.0.2.9"),
      fullyRandom: true,
    }),
    "meta l4proto tcp snat to 192.0.2.1:80": [
      ...metaL4proto(TCP),
      ...snat({ first: ip("192.0.2.1"), ports: { first: 80 } }),
    ],
    "meta l4proto tcp snat to 192.0.2.1-192.0.2.9:80-90 persistent": [
      ...metaL4proto(TCP),
      ...snat({ first: ip("192.0.2.1"), last: ip("192.0.2.9"), ports: { first: 80, last: 90 }, persistent: true }),
    ],
    "snat to ip saddr map @m4": statement.snatByMap([selector.saddr(4)], { family: v4, map: "m4" }),
    "snat to numgen random mod 2 map { 0 : 192.0.2.1, 1 : 192.0.2.2 }": statement.snatByMap(
      [selector.randomNumber(2)],
      pool,
    ),
    "snat to numgen inc mod 2 map { 0 : 192.0.2.1, 1 : 192.0.2.2 }": statement.snatByMap(
      [selector.nextNumber(2)],
      pool,
    ),
    "snat to symhash mod 2 map { 0 : 192.0.2.1, 1 : 192.0.2.2 }": statement.snatByMap([selector.flowHash(2)], pool),
    'oifname "eth0" return': [...match.oifnameIs("eth0"), ...returnVerdict()],
    'oifname != "eth0" return': [...match.oifnameIsNot("eth0"), ...returnVerdict()],
    'iifname "eth0" return': [...match.iifnameIs("eth0"), ...returnVerdict()],
    'iifname != "eth0" return': [...match.iifnameIsNot("eth0"), ...returnVerdict()],
    'iifname "veth*" return': [...match.iifnameBegins("veth"), ...returnVerdict()],
    'oifname "veth*" return': [...match.oifnameBegins("veth"), ...returnVerdict()],
    "oifname @si accept": [...match.isIn([selector.oifname], "si"), ...accept()],
    "ct state established,related accept": [
      ...match.hasAnyBit(selector.ctState, CT_STATE.ESTABLISHED | CT_STATE.RELATED),
      ...accept(),
    ],
    "ct status dnat accept": [...match.hasAnyBit(selector.ctStatus, IPS.DST_NAT), ...accept()],
    "ct mark & 0x1 != 0x0 accept": [...match.hasAnyBit(selector.ctMark, 1), ...accept()],
    "meta mark 0x10 accept": [...match.metaMark(0x10), ...accept()],
    "meta mark & 0xf0 == 0x10 accept": [...match.metaMark(0x10, 0xf0), ...accept()],
    "meta mark set 0x10": statement.setMark(0x10),
    "meta mark set meta mark & 0xffffff0f | 0x10": statement.setMark(0x10, 0xf0),
    "fib daddr type local accept": [...compare(selector.fibDaddrType, encode(u32, RTN.LOCAL)), ...accept()],
    "ip saddr 10.0.0.1-10.0.0.9 accept": [
      ...match.inRange(selector.saddr(4), ip("10.0.0.1"), ip("10.0.0.9")),
      ...accept(),
    ],
    "ip saddr != 10.0.0.1-10.0.0.9 accept": [
      ...match.notInRange(selector.saddr(4), ip("10.0.0.1"), ip("10.0.0.9")),
      ...accept(),
    ],
    "ip saddr 10.0.0.1 accept": [...match.ipSaddr(prefix("10.0.0.1")), ...accept()],
    "ip daddr 10.0.0.0/8 return": [...match.ipDaddr(prefix("10.1.2.3/8")), ...returnVerdict()],
    "ip daddr 10.22.0.0/17 return": [...match.ipDaddr(prefix("10.22.1.1/17")), ...returnVerdict()],
    "ip daddr != 10.22.0.0/16 return": [...match.ipDaddrNot(prefix("10.22.0.0/16")), ...returnVerdict()],
    "ip saddr != 10.22.0.0/15 return": [...match.ipSaddrNot(prefix("10.22.0.0/15")), ...returnVerdict()],
    "ip daddr 0.0.0.0/0 return": [...match.ipDaddr(prefix("0.0.0.0/0")), ...returnVerdict()],
    "ip daddr 224.0.0.0/4 return": [...match.ipDaddr(prefix("224.0.0.0/4")), ...returnVerdict()],
    "meta l4proto tcp th dport 80 accept": [...metaL4proto(TCP), ...match.thDport(80), ...accept()],
    "tcp dport 80-90 accept": [...metaL4proto(TCP), ...match.inRange(selector.dport, port(80), port(90)), ...accept()],
    "tcp dport != 80-90 accept": [
      ...metaL4proto(TCP),
      ...match.notInRange(selector.dport, port(80), port(90)),
      ...accept(),
    ],
    "tcp dport > 1024 accept": [...metaL4proto(TCP), ...compare(selector.dport, port(1024), NFT_CMP.GT), ...accept()],
    "ip saddr . th dport @sp accept": [...match.isIn([selector.saddr(4), selector.dport], "sp"), ...accept()],
    "ip saddr != @sd accept": [...match.isNotIn([selector.saddr(4)], "sd"), ...accept()],
    "ip saddr vmap @mv": statement.ipSaddrVmap(4, "mv"),
    "jump o": statement.jump("o"),
    "goto o": statement.goto("o"),
    drop: drop(),
    counter: counter(),
    "limit rate 10/second accept": [...statement.limitRate(10, 1), ...accept()],
    "limit rate over 10/minute burst 20 packets drop": [...statement.limitRateOver(10, 60, 20), ...drop()],
    'log prefix "hello "': statement.logPrefix("hello "),
    "meta l4proto tcp dnat to 10.0.0.1:8080": [
      ...metaL4proto(TCP),
      ...dnat({ first: ip("10.0.0.1"), ports: { first: 8080 } }),
    ],
    "dnat to 10.0.0.1-10.0.0.5": dnat({ first: ip("10.0.0.1"), last: ip("10.0.0.5") }),
    redirect: statement.redirect(),
    "meta l4proto tcp redirect to :8080": [...metaL4proto(TCP), ...statement.redirect({ ports: { first: 8080 } })],
    "meta l4proto tcp redirect to :8080-8090 random": [
      ...metaL4proto(TCP),
      ...statement.redirect({ ports: { first: 8080, last: 8090 }, random: true }),
    ],
    "dnat ip to meta l4proto . th dport map @mp": statement.dnatByMap([selector.l4proto, selector.dport], {
      family: v4,
      map: "mp",
      withPort: true,
    }),
    "meta l4proto tcp reject with tcp reset": [...metaL4proto(TCP), ...statement.rejectTcpReset()],
  },
  "rules-inet": {
    "reject with icmpx type port-unreachable": statement.rejectIcmpx(NFT_REJECT_ICMPX.PORT_UNREACH),
    "meta nfproto ipv4 ip saddr 10.0.0.1 accept": [
      ...metaNfproto(v4),
      ...match.ipSaddr(prefix("10.0.0.1")),
      ...accept(),
    ],
    "meta nfproto ipv6 ip6 daddr fe80::/10 accept": [
      ...metaNfproto(v6),
      ...match.ipDaddr(prefix("fe80::/10")),
      ...accept(),
    ],
    "meta nfproto ipv6 ip6 daddr ff00::/8 return": [
      ...metaNfproto(v6),
      ...match.ipDaddr(prefix("ff02::1/8")),
      ...returnVerdict(),
    ],
    "meta nfproto ipv6 ip6 saddr fd00::1 accept": [
      ...metaNfproto(v6),
      ...match.ipSaddr(prefix("fd00::1")),
      ...accept(),
    ],
    "meta nfproto ipv6 ip6 saddr fd00::/65 accept": [
      ...metaNfproto(v6),
      ...match.ipSaddr(prefix("fd00::/65")),
      ...accept(),
    ],
    "meta nfproto ipv6 ip6 saddr != fd00:0:0:1::/64 accept": [
      ...metaNfproto(v6),
      ...match.ipSaddrNot(prefix("fd00:0:0:1::/64")),
      ...accept(),
    ],
    "meta iiftype ether ether saddr 0a:58:0a:16:00:05 accept": [
      ...match.metaIiftypeEther(),
      ...match.etherSaddrIs(mac),
      ...accept(),
    ],
    "meta iiftype ether iifname . ether saddr @s accept": [
      ...match.metaIiftypeEther(),
      ...match.isIn([selector.iifname, selector.etherSaddr], "s"),
      ...accept(),
    ],
    "meta protocol ip accept": [...match.metaProtocol(0x0800), ...accept()],
    "meta nfproto ipv6 snat ip6 to fd00::1-fd00::9": [
      ...metaNfproto(v6),
      ...snat({ first: ip("fd00::1"), last: ip("fd00::9") }),
    ],
    "meta nfproto ipv6 snat ip6 to ip6 saddr map @m6": [
      ...metaNfproto(v6),
      ...statement.snatByMap([selector.saddr(6)], { family: v6, map: "m6" }),
    ],
  },
  "rules-bridge": {
    'iifname "veth0" ether saddr != 0a:58:0a:16:00:05 drop': [
      ...match.iifnameIs("veth0"),
      ...match.etherSaddrIsNot(mac),
      ...drop(),
    ],
    "ether daddr 0a:58:0a:16:00:05 accept": [...match.etherDaddrIs(mac), ...accept()],
    "iifname . ether saddr @s accept": [...match.isIn([selector.iifname, selector.etherSaddr], "s"), ...accept()],
    "iifname . ether saddr != @s drop": [...match.isNotIn([selector.iifname, selector.etherSaddr], "s"), ...drop()],
    "iifname vmap @m": statement.vmap([selector.iifname], "m"),
  },
};

/** The family of each file's table. */
export const FAMILIES: Readonly<Record<string, number>> = {
  "rules-ip": v4,
  "rules-inet": NFPROTO.INET,
  "rules-bridge": NFPROTO.BRIDGE,
};
