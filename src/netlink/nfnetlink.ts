// Messages of netfilter's subsystems: struct nfgenmsg { u8 nfgen_family; u8 version; __be16 res_id; } and attributes
// (include/uapi/linux/netfilter/nfnetlink.h). The subsystem is the upper byte of the message type.

import { type Codec, decodeNamed, u8, u16be } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import { struct } from "../wire/struct.ts";
import { type Message, type Request, request } from "./message.ts";

export const NFNL_SUBSYS = { CTNETLINK: 1, NFTABLES: 10, HOOK: 12 } as const;

/** struct nfgenmsg */
export const nfgenmsg = struct({ family: u8, version: u8, resourceId: u16be });

export const NFGENMSG_SIZE = 4;

/** A message of one subsystem (of NFNL_SUBSYS). `type` is the subsystem's own number, `family` of NFPROTO. */
export function netfilterRequest<A>(
  subsystem: number,
  type: number,
  flags: number,
  family: number,
  operation: () => string,
  attributes: readonly [Codec<A>, A],
): Request {
  const header = { family, version: 0, resourceId: 0 };
  return request((subsystem << 8) | type, flags, operation, [nfgenmsg, header], attributes);
}

/** What a message of a subsystem carries. */
export interface Reply<A> {
  /** Of NFPROTO. */
  readonly family: number;
  readonly attributes: A;
}

/** Reads the kernel's answer, or an event. Throws DecodeError. */
export function readReply<A>(message: Message, name: string, codec: Codec<A>): Reply<A> {
  const { payload } = message;
  if (payload.length < NFGENMSG_SIZE) throw new DecodeError(`${payload.length} bytes are no nfgenmsg`, name);
  const attributes = decodeNamed(codec, payload.subarray(NFGENMSG_SIZE), name);
  return { family: payload[0] ?? 0, attributes };
}

/** What of a reply must be there. Throws DecodeError, which the decoder's path precedes. */
export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new DecodeError("missing", name);
  return value;
}
