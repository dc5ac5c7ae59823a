// The private table that keeps containers from sending frames under other source addresses than their own:
//
//   table bridge bauta_macspoofchk {
//     map attachments { type ipv6_addr : ifname . ether_addr }   # attachment id -> its port and MAC
//     map ports { type ifname : verdict }                        # port -> goto guarded
//     set allowed { type ifname . ether_addr }                   # port and the MAC that it may send under
//     chain guarded {
//       iifname . ether saddr @allowed accept
//       counter drop
//     }
//     chain prerouting {
//       type filter hook prerouting priority dstnat; policy accept;
//       iifname vmap @ports
//     }
//   }
//
// Chains never change. `attachments` makes teardown independent of the container, its link and its name: everything hangs
// on the attachment's id. Always, in every transaction: attachments has A : P . M if and only if ports has P and allowed
// has P . M, and no two attachments have the same P.

import { concatType, lengthOf, TYPE } from "../nftables/datatype.ts";
import { isIn } from "../nftables/match.ts";
import { etherSaddr, iifname } from "../nftables/selector.ts";
import type { SetSpec } from "../nftables/set.ts";
import { accept, counter, drop, vmap } from "../nftables/statement.ts";
import { NF, NF_BR_PRI, NF_INET, NFPROTO, NFT_DATA_VERDICT } from "../nftables/uapi.ts";
import { type FilledChain, PrivateTable } from "../owned/table.ts";

export const TABLE = { family: NFPROTO.BRIDGE, name: "bauta_macspoofchk" } as const;

const inTable = { family: TABLE.family, table: TABLE.name } as const;

export const ATTACHMENTS = { ...inTable, set: "attachments" } as const;
export const PORTS = { ...inTable, set: "ports" } as const;
export const ALLOWED = { ...inTable, set: "allowed" } as const;
export const GUARDED = "guarded";

/** How long the name of a port is as a key, in bytes. */
export const PORT_LENGTH = 16;

const PORT_AND_MAC = [TYPE.IFNAME, TYPE.ETHERADDR] as const;

const portAndMac = (): { readonly type: number; readonly length: number } => ({
  type: concatType(...PORT_AND_MAC),
  length: lengthOf(...PORT_AND_MAC),
});

function sets(): readonly SetSpec[] {
  const { type, length } = portAndMac();
  return [
    { ...inTable, name: ATTACHMENTS.set, keyType: TYPE.IP6ADDR, keyLength: 16, dataType: type, dataLength: length },
    { ...inTable, name: PORTS.set, keyType: TYPE.IFNAME, keyLength: PORT_LENGTH, dataType: NFT_DATA_VERDICT },
    { ...inTable, name: ALLOWED.set, keyType: type, keyLength: length },
  ];
}

function chains(): readonly FilledChain[] {
  const prerouting = {
    type: "filter",
    hook: NF_INET.PRE_ROUTING,
    priority: NF_BR_PRI.NAT_DST_BRIDGED,
    policy: NF.ACCEPT,
  };
  return [
    {
      chain: { ...inTable, name: GUARDED },
      rules: [
        [...isIn([iifname, etherSaddr], ALLOWED.set), ...accept()],
        [...counter(), ...drop()],
      ],
    },
    { chain: { ...inTable, name: "prerouting", ...prerouting }, rules: [vmap([iifname], PORTS.set)] },
  ];
}

/** The table as a whole. Chains never change. */
export const table = new PrivateTable(TABLE, "MAC addresses that containers may send under", {
  sets: sets(),
  chains: chains(),
});
