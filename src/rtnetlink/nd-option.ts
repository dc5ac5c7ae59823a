// Options of router advertisements that the kernel passes on: name servers and search lists are not for the kernel itself.

import type { Message } from "../netlink/message.ts";
import { pad, s32, u8, u16 } from "../wire/codec.ts";
import { decodeWithin, mustHold } from "../wire/error.ts";
import { struct } from "../wire/struct.ts";

/** struct nduseroptmsg, include/uapi/linux/rtnetlink.h */
const nduseroptmsg = struct({
  family: u8,
  _1: pad(1),
  length: u16,
  index: s32,
  icmpType: u8,
  icmpCode: u8,
  _2: pad(2),
  _3: pad(4),
});

/** An option of a router advertisement, with its type and length in front (RFC 4861 section 4.6). */
export interface NdOption {
  /** The link that the advertisement has come to. */
  readonly index: number;
  readonly option: Uint8Array;
}

/** The option of an RTM_NEWNDUSEROPT. Throws DecodeError. */
export function decodeNdOption({ payload }: Message): NdOption {
  return decodeWithin("NDUSEROPT", () => {
    const { index, length } = nduseroptmsg.decode(payload);
    const end = nduseroptmsg.size + length;
    mustHold(end <= payload.length, "an option that is longer than its message");
    return { index, option: payload.slice(nduseroptmsg.size, end) };
  });
}
