// What packets with `meta nftrace set 1` go through: NFT_MSG_TRACE to the multicast group NFNLGRP_NFTRACE. Like
// `nft monitor trace`.

import type { Message } from "../netlink/message.ts";
import { NFNL_SUBSYS } from "../netlink/nfnetlink.ts";
import { attr, attrs } from "../wire/attrs.ts";
import { bytes, cstring, u32be, u64be } from "../wire/codec.ts";
import { type Verdict, verdict } from "./data.ts";
import { readReply, required } from "./message.ts";
import { NFT_MSG, NFTA_TRACE } from "./uapi.ts";

/** NFTA_TRACE_TYPE: the end of a base chain, the end of another, a rule that matched. */
export const NFT_TRACETYPE = { POLICY: 1, RETURN: 2, RULE: 3 } as const;

const trace = attrs({
  table: attr(NFTA_TRACE.TABLE, cstring),
  chain: attr(NFTA_TRACE.CHAIN, cstring),
  handle: attr(NFTA_TRACE.RULE_HANDLE, u64be),
  type: attr(NFTA_TRACE.TYPE, u32be),
  verdict: attr(NFTA_TRACE.VERDICT, verdict),
  id: attr(NFTA_TRACE.ID, u32be),
  networkHeader: attr(NFTA_TRACE.NETWORK_HEADER, bytes),
  policy: attr(NFTA_TRACE.POLICY, u32be),
});

/** One step of a packet. */
export interface TraceEvent {
  /** The packet's, as long as it is in this namespace. */
  readonly id: number;
  /** Of the table: of NFPROTO. */
  readonly family: number;
  readonly table: string;
  readonly chain: string;
  /** Of NFT_TRACETYPE. */
  readonly type: number;
  /** The rule's, of type RULE. */
  readonly handle: bigint | undefined;
  readonly verdict: Verdict | undefined;
  /** The beginning of the packet's IP header as it is then; in the first event of each base chain. */
  readonly networkHeader: Uint8Array | undefined;
  /** NF.ACCEPT or NF.DROP, of type POLICY. */
  readonly policy: number | undefined;
}

/** Reads one message of the group; undefined where it is something else. Throws DecodeError. */
export function readTrace(message: Message): TraceEvent | undefined {
  if (message.type !== ((NFNL_SUBSYS.NFTABLES << 8) | NFT_MSG.TRACE)) return undefined;
  const { family, attributes } = readReply(message, "trace", trace);
  const { code, chain } = attributes.verdict ?? {};
  return {
    id: required(attributes.id, "trace/id"),
    family,
    table: required(attributes.table, "trace/table"),
    chain: attributes.chain ?? "",
    type: attributes.type ?? 0,
    handle: attributes.handle,
    verdict: code === undefined ? undefined : { code, chain },
    networkHeader: attributes.networkHeader?.slice(),
    policy: attributes.policy,
  };
}
