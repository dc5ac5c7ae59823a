import { describe, expect, it } from "vitest";
import { IPS } from "../../netlink/netfilter.ts";
import { NFT_CMP } from "../../nftables/expr/cmp.ts";
import type { Expression } from "../../nftables/expression.ts";
import {
  compare,
  etherSaddrIs,
  hasAnyBit,
  iifnameBegins,
  iifnameIs,
  inRange,
  ipDaddr,
  ipSaddrNot,
  isIn,
  isNotIn,
  metaL4proto,
  metaMark,
  metaNfproto,
  notInRange,
  oifnameIsNot,
  thDport,
} from "../../nftables/match.ts";
import {
  ctStatus,
  dport,
  etherSaddr,
  fibDaddrType,
  iifname,
  iiftype,
  l4proto,
  saddr,
} from "../../nftables/selector.ts";
import {
  accept,
  counter,
  dnat,
  dnatByMap,
  drop,
  goto,
  ipSaddrVmap,
  jump,
  masquerade,
  returnVerdict,
  snat,
  snatByMap,
} from "../../nftables/statement.ts";
import { NFPROTO } from "../../nftables/uapi.ts";
import { type Cidr, parseCidr } from "../../wire/ip.ts";
import { ruleText } from "./rule-text.ts";

function prefix(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new Error(text);
  return cidr;
}

describe("ruleText", () => {
  const rules: readonly (readonly [text: string, expressions: readonly Expression[]])[] = [
    ["ip daddr 224.0.0.0/4 return", [...ipDaddr(prefix("224.0.0.0/4")), ...returnVerdict()]],
    ["ip daddr 10.22.0.0/16 return", [...ipDaddr(prefix("10.22.0.0/16")), ...returnVerdict()]],
    ["ip6 daddr ff00::/8 return", [...ipDaddr(prefix("ff00::/8")), ...returnVerdict()]],
    ["ip6 daddr fd00::/63 accept", [...ipDaddr(prefix("fd00::/63")), ...accept()]],
    ["ip saddr != 10.0.0.1 jump x", [...ipSaddrNot(prefix("10.0.0.1/32")), ...jump("x")]],
    ["ip daddr 0.0.0.0/0 drop", [...ipDaddr(prefix("0.0.0.0/0")), ...drop()]],
    ["ip saddr vmap @policies", ipSaddrVmap(4, "policies")],
    ["ip6 saddr vmap @policies", ipSaddrVmap(6, "policies")],
    ["counter masquerade fully-random", [...counter(), ...masquerade({ fullyRandom: true })]],
    ["masquerade random,persistent", masquerade({ random: true, persistent: true })],
    ["masquerade", masquerade()],
    ["masquerade to :1024-2048", masquerade({ ports: { first: 1024, last: 2048 } })],
    ["snat to 192.0.2.1 fully-random", snat({ first: Uint8Array.of(192, 0, 2, 1), fullyRandom: true })],
    [
      "snat to 192.0.2.1-192.0.2.9:80 persistent",
      snat({
        first: Uint8Array.of(192, 0, 2, 1),
        last: Uint8Array.of(192, 0, 2, 9),
        ports: { first: 80 },
        persistent: true,
      }),
    ],
    ["snat to [2001:db8::1]:80", snat({ first: prefix("2001:db8::1/128").ip, ports: { first: 80 } })],
    ["dnat to 10.0.0.1", dnat({ first: Uint8Array.of(10, 0, 0, 1) })],
    [
      "meta nfproto ipv6 meta l4proto tcp th dport 8080 accept",
      [...metaNfproto(10), ...metaL4proto(6), ...thDport(8080), ...accept()],
    ],
    ["meta nfproto 7 meta l4proto 99 accept", [...metaNfproto(7), ...metaL4proto(99), ...accept()]],
    ["meta mark 0x00000001 accept", [...metaMark(1), ...accept()]],
    ["fib daddr type local jump x", [...compare(fibDaddrType, Uint8Array.of(2, 0, 0, 0)), ...jump("x")]],
    ["fib daddr type 3 jump x", [...compare(fibDaddrType, Uint8Array.of(3, 0, 0, 0)), ...jump("x")]],
    ["ct status dnat jump x", [...hasAnyBit(ctStatus, IPS.DST_NAT), ...jump("x")]],
    ["th dport 80-90 accept", [...inRange(dport, Uint8Array.of(0, 80), Uint8Array.of(0, 90)), ...accept()]],
    ["th dport != 80-90 accept", [...notInRange(dport, Uint8Array.of(0, 80), Uint8Array.of(0, 90)), ...accept()]],
    ["snat ip to ip saddr map @pool", snatByMap([saddr(4)], { family: NFPROTO.IPV4, map: "pool" })],
    [
      "dnat ip6 to meta l4proto . th dport map @ports",
      dnatByMap([l4proto, dport], { family: NFPROTO.IPV6, map: "ports", withPort: true }),
    ],
    ["iifname . ether saddr @allowed accept", [...isIn([iifname, etherSaddr], "allowed"), ...accept()]],
    ["ip saddr != @allowed goto x", [...isNotIn([saddr(4)], "allowed"), ...goto("x")]],
    ['iifname "veth*" drop', [...iifnameBegins("veth"), ...drop()]],
    ['iifname "eth0" oifname != "eth1" drop', [...iifnameIs("eth0"), ...oifnameIsNot("eth1"), ...drop()]],
    [
      "ether saddr 0a:58:0a:16:00:05 accept",
      [...etherSaddrIs(Uint8Array.of(0x0a, 0x58, 0x0a, 0x16, 0, 5)), ...accept()],
    ],
  ];
  for (const [text, expressions] of rules) {
    it(`says ${text}`, () => {
      expect(ruleText(expressions)).toBe(text);
    });
  }

  const asTheyAre: readonly (readonly [what: string, expressions: readonly Expression[]])[] = [
    ["a field that is not known", compare(iiftype, new Uint8Array(2))],
    ["another comparison", [saddr(4).load(1), { kind: "cmp", sreg: 1, op: NFT_CMP.LT, data: new Uint8Array(4) }]],
    [
      "a mask with holes",
      [
        saddr(4).load(1),
        { kind: "bitwise", sreg: 1, dreg: 1, len: 4, mask: Uint8Array.of(255, 0, 255, 0), xor: new Uint8Array(4) },
        { kind: "cmp", sreg: 1, op: NFT_CMP.EQ, data: new Uint8Array(4) },
      ],
    ],
    [
      "a masked interface name",
      [
        iifname.load(1),
        { kind: "bitwise", sreg: 1, dreg: 1, len: 16, mask: new Uint8Array(16), xor: new Uint8Array(16) },
        { kind: "cmp", sreg: 1, op: NFT_CMP.EQ, data: new Uint8Array(16) },
      ],
    ],
    ["an expression that is not known", [{ kind: "unknown", name: "tproxy", data: undefined }]],
    ["a load that nothing uses", [saddr(4).load(1)]],
    ["a comparison of nothing", [{ kind: "cmp", sreg: 1, op: NFT_CMP.EQ, data: new Uint8Array(4) }]],
    ["a lookup of nothing", [{ kind: "lookup", set: "x", sreg: 1 }]],
    ["a map to something that nothing uses", snatByMap([saddr(4)], { family: NFPROTO.IPV4, map: "pool" }).slice(0, 2)],
    ["a mark with two bits of the status", hasAnyBit(ctStatus, IPS.DST_NAT | IPS.SRC_NAT).slice(0, 2)],
    ["ports that are in no register", [{ kind: "masq", regProtoMin: 1 }]],
  ];
  for (const [what, expressions] of asTheyAre) {
    it(`shows ${what} as the kernel has it`, () => {
      expect(ruleText(expressions)).toMatch(/^\[ .* \]$/);
    });
  }
});
