// The messages of nf_tables: struct nfgenmsg { u8 nfgen_family; u8 version; __be16 res_id; } and attributes
// (include/uapi/linux/netfilter/nfnetlink.h).

import { type Message, type Request, request } from "../netlink/message.ts";
import { type Codec, u8, u16be } from "../wire/codec.ts";
import { DecodeError, decodeWithin } from "../wire/error.ts";
import { struct } from "../wire/struct.ts";
import { NFNL_SUBSYS, NFPROTO } from "./uapi.ts";

/** One message of a transaction, or a question. */
export type Command = Request;

/** struct nfgenmsg */
export const nfgenmsg = struct({ family: u8, version: u8, resourceId: u16be });

const NFGENMSG_SIZE = 4;

/** A message of the nf_tables subsystem. `type` is of NFT_MSG, `family` of NFPROTO. */
export function command<A>(
  type: number,
  flags: number,
  family: number,
  operation: () => string,
  attributes: readonly [Codec<A>, A],
): Command {
  const header = { family, version: 0, resourceId: 0 };
  return request((NFNL_SUBSYS.NFTABLES << 8) | type, flags, operation, [nfgenmsg, header], attributes);
}

/** What a message of nf_tables carries. */
export interface Reply<A> {
  /** Of NFPROTO. */
  readonly family: number;
  readonly attributes: A;
}

/** Reads the kernel's answer, or an event. Throws DecodeError. */
export function readReply<A>(message: Message, name: string, codec: Codec<A>): Reply<A> {
  const { payload } = message;
  if (payload.length < NFGENMSG_SIZE) throw new DecodeError(`${payload.length} bytes are no nfgenmsg`, name);
  const attributes = decodeWithin(name, () => codec.decode(payload.subarray(NFGENMSG_SIZE)));
  return { family: payload[0] ?? 0, attributes };
}

/** What of a reply must be there. Throws DecodeError, which the decoder's path precedes. */
export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new DecodeError("missing", name);
  return value;
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
