// The private tables of the firewall:
//
//   table inet bauta_firewall {
//     map attachments { type ipv6_addr : verdict }        # attachment id -> goto its segment, so that the kernel counts
//     map owners4 { type ipv4_addr : ipv6_addr }          # address -> attachment id
//     map owners6 { type ipv6_addr : ipv6_addr }
//     map segments { type ipv6_addr : ifname . ifname }   # segment id -> its bridge and its ingress policy
//     map bridges { type ifname : verdict }               # bridge -> jump bridge-…
//     set isolated { type ifname }                        # the bridges in that map
//     chain forward {
//       type filter hook forward priority filter - 10; policy accept;
//       iifname vmap @bridges
//     }
//     chain bridge-cni0 { jump segment-… }                # one rule for each segment that isolates the bridge
//     chain segment-… { oifname != "cni0" oifname @isolated counter drop }      # same-bridge
//     chain segment-… { oifname @isolated counter drop }                        # isolated
//     chain segment-… { }                                                       # open
//     chain CNI-ADMIN { type filter hook forward priority filter - 9; policy accept; }   # the administrator's
//   }
//
//   table bridge bauta_firewall {          # only while there are ports in it
//     map ports { type ifname : ipv6_addr }   # port of a bridge -> attachment id
//     set isolated { type ifname }            # the same ports
//     chain forward {
//       type filter hook forward priority filter; policy accept;
//       iifname @isolated oifname @isolated counter drop
//     }
//   }
//
// A segment is the attachments of one network that the node reaches through one interface, with one chain for the
// administrator. Its policy is that of the latest ADD. Always, in every transaction:
//   attachments has A : goto segment-S, and owners has each address of A : A, or : B where the attachment B got the address since;
//   segments has S : B . P if and only if there is a chain segment-S with the rules of P and some attachment that leads there;
//   bridge-B has one jump to each segment on B whose P is not open; there is that chain, and bridges and isolated have B, if and
//   only if there is such a segment; and the bridge table has the port of each attachment on a segment whose P is isolated.
//
// Frames between two ports of a bridge don't come to the hooks of IP unless br_netfilter is loaded and on: hence the second table.
// A rule could ask for the bridge's own name (meta ibrname), but kernels may lack the module nft_meta_bridge.

import { concatType, lengthOf, TYPE } from "../nftables/datatype.ts";
import { isIn } from "../nftables/match.ts";
import { iifname, oifname } from "../nftables/selector.ts";
import type { SetSpec } from "../nftables/set.ts";
import { counter, drop, vmap } from "../nftables/statement.ts";
import { NF, NF_BR_PRI, NF_INET, NF_IP_PRI, NFPROTO, NFT_DATA_VERDICT } from "../nftables/uapi.ts";
import { PrivateTable } from "../owned/table.ts";
import type { Family } from "../wire/ip.ts";

const NAME = "bauta_firewall";

export const TABLE = { family: NFPROTO.INET, name: NAME } as const;
export const BRIDGE_TABLE = { family: NFPROTO.BRIDGE, name: NAME } as const;

/** What names a chain or a set's elements in the first table. */
export const inTable = { family: TABLE.family, table: NAME } as const;
const inBridgeTable = { family: BRIDGE_TABLE.family, table: NAME } as const;

export const ATTACHMENTS = { ...inTable, set: "attachments" } as const;
export const OWNERS = { 4: { ...inTable, set: "owners4" }, 6: { ...inTable, set: "owners6" } } as const;
export const SEGMENTS = { ...inTable, set: "segments" } as const;
export const BRIDGES = { ...inTable, set: "bridges" } as const;
export const ISOLATED = { ...inTable, set: "isolated" } as const;
/** Of the table of bridges. */
export const PORTS = { ...inBridgeTable, set: "ports" } as const;
export const ISOLATED_PORTS = { ...inBridgeTable, set: "isolated" } as const;

/** The chain at the hook, in either table. */
export const FORWARD = "forward";

/** How long the name of an interface is as a key, in bytes. */
export const IFNAME_LENGTH = 16;
const ID_LENGTH = 16;

const id = { keyType: TYPE.IP6ADDR, keyLength: ID_LENGTH } as const;
const ifname = { keyType: TYPE.IFNAME, keyLength: IFNAME_LENGTH } as const;
const TWO_NAMES = [TYPE.IFNAME, TYPE.IFNAME] as const;

function owners(family: Family): SetSpec {
  const key = family === 4 ? { keyType: TYPE.IPADDR, keyLength: 4 } : { keyType: TYPE.IP6ADDR, keyLength: 16 };
  return { ...inTable, name: OWNERS[family].set, ...key, dataType: TYPE.IP6ADDR, dataLength: ID_LENGTH };
}

const segments = { dataType: concatType(...TWO_NAMES), dataLength: lengthOf(...TWO_NAMES) };

const atHook = { type: "filter", hook: NF_INET.FORWARD, policy: NF.ACCEPT } as const;
/** Before others' chains at the hook: what they do to a packet that is dropped anyway is in vain. */
const PRIORITY = NF_IP_PRI.FILTER - 10;

/** The table as it always is. Segments, bridges' chains and the administrators' chains come and go. */
export const table = new PrivateTable(TABLE, "what containers may send and get", {
  sets: [
    { ...inTable, name: ATTACHMENTS.set, ...id, dataType: NFT_DATA_VERDICT },
    owners(4),
    owners(6),
    { ...inTable, name: SEGMENTS.set, ...id, ...segments },
    { ...inTable, name: BRIDGES.set, ...ifname, dataType: NFT_DATA_VERDICT },
    { ...inTable, name: ISOLATED.set, ...ifname },
  ],
  chains: [
    { chain: { ...inTable, name: FORWARD, ...atHook, priority: PRIORITY }, rules: [vmap([iifname], BRIDGES.set)] },
  ],
});

/** How many sets and chains that are. */
export const TABLE_PARTS = 7;

/** The table of bridges. */
export const bridgeTable = new PrivateTable(BRIDGE_TABLE, "ports of bridges that don't reach each other", {
  sets: [
    { ...inBridgeTable, name: PORTS.set, ...ifname, dataType: TYPE.IP6ADDR, dataLength: ID_LENGTH },
    { ...inBridgeTable, name: ISOLATED_PORTS.set, ...ifname },
  ],
  chains: [
    {
      chain: { ...inBridgeTable, name: FORWARD, ...atHook, priority: NF_BR_PRI.FILTER_BRIDGED },
      rules: [
        [...isIn([iifname], ISOLATED_PORTS.set), ...isIn([oifname], ISOLATED_PORTS.set), ...counter(), ...drop()],
      ],
    },
  ],
});

/** The chain for the administrator's rules, of this name. */
export function adminChain(
  name: string,
): typeof atHook & { family: number; table: string; name: string; priority: number } {
  return { ...inTable, name, ...atHook, priority: PRIORITY + 1 };
}
