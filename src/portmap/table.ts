// The two private tables, one for each family, that lead from ports of the node to containers:
//
//   table ip bauta_portmap {
//     map owners    { type ipv6_addr : ipv4_addr }       # attachment id -> the container's address
//     map counted   { type ipv6_addr : verdict }         # attachment id -> goto attachments
//     map addresses { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service }
//     map ports     { type inet_proto . inet_service : ipv4_addr . inet_service }
//     map conditional_addresses { type ipv4_addr . inet_proto . inet_service : verdict }
//     map conditional_ports     { type inet_proto . inet_service : verdict }
//     map exceptions            { type inet_proto : verdict }        # a protocol -> goto with_exceptions
//     set returning { type ifname . ipv4_addr }          # the link to a container, and the container
//     set pairs     { type ipv4_addr . ipv4_addr }       # a source, and a container
//     set everyone  { type ipv4_addr }                   # a container with masqAll
//     chain attachments { }
//     chain any_address {
//       meta l4proto . th dport vmap @conditional_ports
//       dnat ip to meta l4proto . th dport map @ports
//     }
//     chain with_exceptions {
//       ip daddr . meta l4proto . th dport vmap @conditional_addresses
//       dnat ip to ip daddr . meta l4proto . th dport map @addresses
//       goto any_address
//     }
//     chain published {
//       meta l4proto vmap @exceptions
//       dnat ip to meta l4proto . th dport map @ports
//     }
//     chain translated {
//       iifname . ip daddr @returning masquerade
//       ip saddr . ip daddr @pairs masquerade
//       ip daddr @everyone masquerade
//     }
//     chain prerouting  { type nat hook prerouting priority dstnat; policy accept; fib daddr type local jump published }
//     chain output      { type nat hook output priority dstnat; policy accept; fib daddr type local jump published }
//     chain postrouting { type nat hook postrouting priority srcnat - 10; policy accept; ct status dnat jump translated }
//     chain loopback {                                   # of IPv4 alone
//       type filter hook prerouting priority raw; policy accept;
//       iifname != "lo" ip saddr 127.0.0.0/8 drop
//       iifname != "lo" ip daddr 127.0.0.0/8 drop
//     }
//   }
//
// A protocol is among the exceptions from the first port that is published at one address, or with conditions, until the table
// goes: without, a new flow costs two look-ups in place of four. These chains never change. What has conditions to meet goes to
// a chain of its own: see conditions.ts. Always, in every transaction: everything of an attachment hangs on its element of
// `owners`, as no two attachments have the same container address, and every other element is about one. `counted` is there
// because each verdict counts as a use of its chain: so DEL knows at the price of one question whether it is the last.
// docs/adr/0014-portmap.md has the reasons.

import { IPS } from "../netlink/netfilter.ts";
import type { ChainSpec } from "../nftables/chain.ts";
import { concatType, lengthOf, TYPE } from "../nftables/datatype.ts";
import { RTN } from "../nftables/expr/fib.ts";
import type { Expression } from "../nftables/expression.ts";
import { compare, hasAnyBit, iifnameIsNot, ipDaddr, ipSaddr, isIn } from "../nftables/match.ts";
import { ctStatus, daddr, dport, fibDaddrType, iifname, l4proto, type Selector, saddr } from "../nftables/selector.ts";
import type { SetSpec } from "../nftables/set.ts";
import { dnatByMap, drop, goto, jump, masquerade, vmap } from "../nftables/statement.ts";
import { NF, NF_INET, NF_IP_PRI, NFT_DATA_VERDICT, nfproto } from "../nftables/uapi.ts";
import { type FilledChain, PrivateTable } from "../owned/table.ts";
import { encode, u32 } from "../wire/codec.ts";
import type { Cidr, Family } from "../wire/ip.ts";
import {
  ADDRESSES,
  ANY_ADDRESS,
  ATTACHMENTS,
  CONDITIONAL_ADDRESSES,
  CONDITIONAL_PORTS,
  COUNTED,
  chainIn,
  EVERYONE,
  EXCEPTIONS,
  OWNERS,
  PAIRS,
  PORTS,
  PUBLISHED,
  RETURNING,
  type SetName,
  TABLE,
  TRANSLATED,
  WITH_EXCEPTIONS,
} from "./table-names.ts";

/** Before the chains of others, ours for "ipMasq" among them: the first that translates the source counts. */
const BEFORE_SRCNAT = NF_IP_PRI.NAT_SRC - 10;

const LOOPBACK: Cidr = { ip: Uint8Array.of(127, 0, 0, 0), prefixLength: 8 };

type Keyed = Pick<SetSpec, "keyType" | "keyLength">;

function keyOf(...types: readonly number[]): Keyed {
  return { keyType: types.length === 1 ? (types[0] ?? 0) : concatType(...types), keyLength: lengthOf(...types) };
}

function mapTo(key: Keyed, ...types: readonly number[]): Omit<SetSpec, "family" | "table" | "name"> {
  const { keyType: dataType, keyLength: dataLength } = keyOf(...types);
  return { ...key, dataType, dataLength };
}

function sets(family: Family): readonly SetSpec[] {
  const address = family === 4 ? TYPE.IPADDR : TYPE.IP6ADDR;
  const [byPort, byAddress] = [
    keyOf(TYPE.INET_PROTOCOL, TYPE.INET_SERVICE),
    keyOf(address, TYPE.INET_PROTOCOL, TYPE.INET_SERVICE),
  ];
  const id = keyOf(TYPE.IP6ADDR);
  const verdict = { dataType: NFT_DATA_VERDICT };
  const made: readonly (readonly [SetName, Omit<SetSpec, "family" | "table" | "name">])[] = [
    [OWNERS, mapTo(id, address)],
    [COUNTED, { ...id, ...verdict }],
    [ADDRESSES, mapTo(byAddress, address, TYPE.INET_SERVICE)],
    [PORTS, mapTo(byPort, address, TYPE.INET_SERVICE)],
    [CONDITIONAL_ADDRESSES, { ...byAddress, ...verdict }],
    [CONDITIONAL_PORTS, { ...byPort, ...verdict }],
    [EXCEPTIONS, { ...keyOf(TYPE.INET_PROTOCOL), ...verdict }],
    [RETURNING, keyOf(TYPE.IFNAME, address)],
    [PAIRS, keyOf(address, address)],
    [EVERYONE, keyOf(address)],
  ];
  return made.map(([name, kind]) => ({ family: nfproto(family), table: TABLE, name, ...kind }));
}

/** What a mapping is looked up by: with the node's address, or without. */
export function selectorsOf(family: Family, byAddress: boolean): readonly Selector[] {
  return byAddress ? [daddr(family), l4proto, dport] : [l4proto, dport];
}

/** `dnat ip to ip daddr . meta l4proto . th dport map @addresses`, or the same without the address. */
export function toContainer(family: Family, byAddress: boolean): Expression[] {
  const map = byAddress ? ADDRESSES : PORTS;
  return dnatByMap(selectorsOf(family, byAddress), { family: nfproto(family), map, withPort: true });
}

function chains(family: Family): readonly FilledChain[] {
  const inTable = (name: string, hook: Omit<ChainSpec, "family" | "table" | "name"> = {}): ChainSpec => {
    return { ...chainIn(family, name), ...hook };
  };
  const nat = (hook: number, priority: number) => ({ type: "nat", hook, priority, policy: NF.ACCEPT });
  const isForTheNode = compare(fibDaddrType, encode(u32, RTN.LOCAL).slice());
  const lookIn: FilledChain["rules"] = [[...isForTheNode, ...jump(PUBLISHED)]];
  const raw = { type: "filter", hook: NF_INET.PRE_ROUTING, priority: NF_IP_PRI.RAW, policy: NF.ACCEPT };
  const own: FilledChain[] = [
    { chain: inTable(ATTACHMENTS), rules: [] },
    {
      chain: inTable(ANY_ADDRESS),
      rules: [vmap(selectorsOf(family, false), CONDITIONAL_PORTS), toContainer(family, false)],
    },
    {
      chain: inTable(WITH_EXCEPTIONS),
      rules: [vmap(selectorsOf(family, true), CONDITIONAL_ADDRESSES), toContainer(family, true), goto(ANY_ADDRESS)],
    },
    { chain: inTable(PUBLISHED), rules: [vmap([l4proto], EXCEPTIONS), toContainer(family, false)] },
    {
      chain: inTable(TRANSLATED),
      rules: [
        [...isIn([iifname, daddr(family)], RETURNING), ...masquerade()],
        [...isIn([saddr(family), daddr(family)], PAIRS), ...masquerade()],
        [...isIn([daddr(family)], EVERYONE), ...masquerade()],
      ],
    },
    { chain: inTable("prerouting", nat(NF_INET.PRE_ROUTING, NF_IP_PRI.NAT_DST)), rules: lookIn },
    { chain: inTable("output", nat(NF_INET.LOCAL_OUT, NF_IP_PRI.NAT_DST)), rules: lookIn },
    {
      chain: inTable("postrouting", nat(NF_INET.POST_ROUTING, BEFORE_SRCNAT)),
      rules: [[...hasAnyBit(ctStatus, IPS.DST_NAT), ...jump(TRANSLATED)]],
    },
  ];
  if (family === 6) return own;
  return [
    ...own,
    {
      chain: inTable("loopback", raw),
      rules: [ipSaddr(LOOPBACK), ipDaddr(LOOPBACK)].map((match) => [...iifnameIsNot("lo"), ...match, ...drop()]),
    },
  ];
}

function tableOf(family: Family): PrivateTable {
  return new PrivateTable({ family: nfproto(family), name: TABLE }, "ports that containers publish; see bauta list", {
    sets: sets(family),
    chains: chains(family),
  });
}

export const TABLES: Readonly<Record<Family, PrivateTable>> = { 4: tableOf(4), 6: tableOf(6) };
