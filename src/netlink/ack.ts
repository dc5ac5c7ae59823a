// Acknowledgements: NLMSG_ERROR and NLMSG_DONE with the extended acknowledgement's attributes
// (Documentation/userspace-api/netlink/intro.rst, "Ext ACK").

import { attr, attrs } from "../wire/attrs.ts";
import { cstring, type Infer, u32 } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import type { Message } from "./message.ts";
import { NLM_F, NLMSG, NLMSG_HDRLEN, NLMSGERR_ATTR } from "./uapi.ts";

const extendedAck = attrs({
  message: attr(NLMSGERR_ATTR.MSG, cstring),
  offset: attr(NLMSGERR_ATTR.OFFS, u32),
  missingType: attr(NLMSGERR_ATTR.MISS_TYPE, u32),
});

/** What the kernel adds to an error: a sentence, and where in the request it saw the reason. */
export type ExtendedAck = Infer<typeof extendedAck>;

/** The kernel's word on one request: `errno` is 0 for "done". */
export interface Ack {
  readonly sequence: number;
  readonly errno: number;
  readonly extack: ExtendedAck | undefined;
}

/** Reads an NLMSG_ERROR or NLMSG_DONE; undefined for any other message. */
export function readAck(message: Message): Ack | undefined {
  if (message.type !== NLMSG.ERROR && message.type !== NLMSG.DONE) return undefined;
  const { payload, sequence, flags } = message;
  if (payload.length < 4) {
    // A DONE without a code is an old kernel's plain end of dump.
    if (message.type === NLMSG.DONE) return { sequence, errno: 0, extack: undefined };
    throw new DecodeError(`acknowledgement of ${payload.length} bytes, want at least 4`);
  }
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const errno = 0 - view.getInt32(0, true); // not -x, which makes -0 of 0
  if ((flags & NLM_F.ACK_TLVS) === 0) return { sequence, errno, extack: undefined };
  let at = 4; // DONE: attributes follow the code
  if (message.type === NLMSG.ERROR) {
    // struct nlmsgerr { int error; struct nlmsghdr msg; }, then the request's payload unless it was capped
    const requestLength = payload.length < 8 || (flags & NLM_F.CAPPED) !== 0 ? NLMSG_HDRLEN : view.getUint32(4, true);
    at += requestLength + (-requestLength & 3);
  }
  return { sequence, errno, extack: at < payload.length ? extendedAck.decode(payload.subarray(at)) : undefined };
}
