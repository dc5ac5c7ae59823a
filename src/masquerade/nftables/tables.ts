// Our two private tables, one for each family: what stands in them whichever containers are attached.
//
//   table ip bauta_masquerade {
//     map owners     { type ipv4_addr : ipv6_addr }                  # address -> attachment id
//     map policies   { type ipv4_addr : verdict }                    # address -> goto its policy's chain
//     set members    { type ipv4_addr; counter }                     # the addresses that go by their network
//     map networks   { type ipv4_addr : verdict; flags interval }    # subnet -> goto its policy's chain
//     map exceptions { type ipv4_addr : verdict; counter }           # the others, each -> goto its policy's chain
//     chain postrouting {
//       type nat hook postrouting priority srcnat; policy accept;
//       ip daddr 224.0.0.0/4 return
//       ip saddr vmap @exceptions
//       ip saddr @members ip saddr vmap @networks
//     }
//   }
//
// No rule looks into `policies`: of a map that a rule looks into, the kernel goes through all elements whenever a verdict is
// added. The map is there for its use counts: each verdict counts as a use of its chain, so DEL knows when a chain can go.

import type { ChainSpec } from "../../nftables/chain.ts";
import { TYPE } from "../../nftables/datatype.ts";
import { CT_STATE } from "../../nftables/expr/ct.ts";
import type { Expression } from "../../nftables/expression.ts";
import { hasAnyBit, ipDaddr, isIn } from "../../nftables/match.ts";
import { ctState, saddr } from "../../nftables/selector.ts";
import type { SetSpec } from "../../nftables/set.ts";
import { counter, drop, ipSaddrVmap, returnVerdict } from "../../nftables/statement.ts";
import { NF, NF_INET, NF_IP_PRI, NFT_DATA_VERDICT, NFT_SET, nfproto } from "../../nftables/uapi.ts";
import { PrivateTable, type TablePart } from "../../owned/table.ts";
import type { Cidr, Family } from "../../wire/ip.ts";
import { EXCEPTIONS, FORWARD, MEMBERS, NETWORKS, OWNERS, POLICIES, POSTROUTING, STRICT, TABLE } from "./table-names.ts";

const MULTICAST: Record<Family, Cidr> = {
  4: { ip: Uint8Array.of(224, 0, 0, 0), prefixLength: 4 },
  6: { ip: Uint8Array.of(0xff, ...new Array<number>(15).fill(0)), prefixLength: 8 },
};

/** What our sets and maps of addresses have in common. */
function addressKey(family: Family): Omit<SetSpec, "name"> {
  const keyType = family === 4 ? TYPE.IPADDR : TYPE.IP6ADDR;
  return { family: nfproto(family), table: TABLE, keyType, keyLength: family === 4 ? 4 : 16 };
}

/** The sets and maps of a family. Addresses and ids are types that nft knows, so that it can list them. */
function sets(family: Family): readonly SetSpec[] {
  const base = addressKey(family);
  const verdict = { ...base, dataType: NFT_DATA_VERDICT };
  return [
    { ...base, name: OWNERS, dataType: TYPE.IP6ADDR, dataLength: 16, flags: NFT_SET.MAP },
    { ...verdict, name: POLICIES, flags: NFT_SET.MAP },
    { ...base, name: MEMBERS, expressions: counter(), flags: 0 },
    { ...verdict, name: NETWORKS, flags: NFT_SET.MAP | NFT_SET.INTERVAL },
    { ...verdict, name: EXCEPTIONS, expressions: counter(), flags: NFT_SET.MAP },
  ];
}

/** Their names: what a table has when no address is in it, besides its one chain. */
export const SET_NAMES: readonly string[] = sets(4).map(({ name }) => name);

function postrouting(family: Family): ChainSpec {
  return {
    family: nfproto(family),
    table: TABLE,
    name: POSTROUTING,
    type: "nat",
    hook: NF_INET.POST_ROUTING,
    priority: NF_IP_PRI.NAT_SRC,
    policy: NF.ACCEPT,
  };
}

function postroutingRules(family: Family): readonly (readonly Expression[])[] {
  return [
    [...ipDaddr(MULTICAST[family]), ...returnVerdict()],
    ipSaddrVmap(family, EXCEPTIONS),
    [...isIn([saddr(family)], MEMBERS), ...ipSaddrVmap(family, NETWORKS)],
  ];
}

function tableOf(family: Family): PrivateTable {
  return new PrivateTable({ family: nfproto(family), name: TABLE }, "IP masquerade of containers; see bauta list", {
    sets: sets(family),
    chains: [{ chain: postrouting(family), rules: postroutingRules(family) }],
  });
}

export const TABLES: Readonly<Record<Family, PrivateTable>> = { 4: tableOf(4), 6: tableOf(6) };

/** What "dropInvalid" needs besides. The nat hook never sees invalid packets, so this has a chain of its own. */
export function strictPart(family: Family): TablePart {
  const hook = { name: FORWARD, type: "filter", hook: NF_INET.FORWARD, priority: NF_IP_PRI.FILTER };
  return {
    sets: [{ ...addressKey(family), name: STRICT }],
    chains: [{ chain: { ...postrouting(family), ...hook }, rules: forwardRules(family) }],
  };
}

function forwardRules(family: Family): readonly (readonly Expression[])[] {
  return [[...hasAnyBit(ctState, CT_STATE.INVALID), ...isIn([saddr(family)], STRICT), ...counter(), ...drop()]];
}
