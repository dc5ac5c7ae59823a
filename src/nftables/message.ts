// The messages of nf_tables: those of a netfilter subsystem, and the names of its families.

import type { Request } from "../netlink/message.ts";
import { NFNL_SUBSYS, netfilterRequest } from "../netlink/nfnetlink.ts";
import type { Codec } from "../wire/codec.ts";
import { NFPROTO } from "./uapi.ts";

export { readReply, required } from "../netlink/nfnetlink.ts";

/** One message of a transaction, or a question. */
export type Command = Request;

/** A message of the nf_tables subsystem. `type` is of NFT_MSG, `family` of NFPROTO. */
export function command<A>(
  type: number,
  flags: number,
  family: number,
  operation: () => string,
  attributes: readonly [Codec<A>, A],
): Command {
  return netfilterRequest(NFNL_SUBSYS.NFTABLES, type, flags, family, operation, attributes);
}

/** The family as nft writes it: `ip6` for NFPROTO.IPV6. */
export function familyName(family: number): string {
  switch (family) {
    case NFPROTO.IPV4:
      return "ip";
    case NFPROTO.IPV6:
      return "ip6";
    case NFPROTO.INET:
      return "inet";
    case NFPROTO.ARP:
      return "arp";
    case NFPROTO.BRIDGE:
      return "bridge";
    case NFPROTO.NETDEV:
      return "netdev";
    default:
      return `family ${family}`;
  }
}
