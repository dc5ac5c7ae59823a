// Messages: struct nlmsghdr { u32 len; u16 type; u16 flags; u32 seq; u32 pid; } and a payload (RFC 3549 section 2.3.2).

import type { Codec } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import { Writer } from "../wire/writer.ts";
import { NLM_F, NLMSG_HDRLEN } from "./uapi.ts";

/** What is asked of the kernel. REQUEST and ACK are added when it is sent. */
export interface Request {
  readonly type: number;
  /** NLM_F modifiers: CREATE, EXCL, DUMP and so on. */
  readonly flags: number;
  /** Whether the kernel answers with exactly one message where it doesn't refuse: then there is no need to acknowledge. */
  readonly isAnswered?: boolean;
  /** What a person would type for it, `route add default via 10.22.0.1`; asked for only when it failed. */
  readonly operation: () => string;
  /** Names of the modules that the kernel may have to load for it; asked for only when it failed. */
  readonly modules?: (() => readonly string[]) | undefined;
  /** Writes what follows the header. */
  readonly encode: (out: Writer) => void;
}

/** A message as it came. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly portId: number;
  readonly payload: Uint8Array;
}

/** A request from its fixed header (ifinfomsg, nfgenmsg, …) and its attributes. */
export function request<H, A>(
  type: number,
  flags: number,
  operation: () => string,
  header: readonly [Codec<H>, H],
  attributes: readonly [Codec<A>, A],
): Request {
  return {
    type,
    flags,
    operation,
    encode(out) {
      header[0].encode(header[1], out);
      attributes[0].encode(attributes[1], out);
    },
  };
}

/** A request for one object, which the kernel answers with it where it doesn't refuse. */
export function question({ type, flags, operation, encode }: Request): Request {
  return { type, flags, isAnswered: true, operation, encode };
}

/** The same request, written already: for what is always the same, which module-level code can prepare. */
export function prepared({ encode, ...rest }: Request): Request {
  const out = new Writer(256);
  encode(out);
  const bytes = out.bytes();
  return { ...rest, encode: (to) => to.raw(bytes) };
}

/** Writes a message with its header, padded. */
export function writeMessage(out: Writer, message: Request, flags: number, sequence: number): void {
  const start = out.beginMessage();
  message.encode(out);
  out.endMessage(start, message.type, message.flags | flags | NLM_F.REQUEST, sequence);
}

/** The first type that is not for control: NLMSG_MIN_TYPE. */
const NLMSG_MIN_TYPE = 0x10;

/**
 * The messages of a datagram; with `onlyControl` those that say how a dump goes: acknowledgements, its end, and any that
 * is marked as interrupted. Throws DecodeError where a length does not fit.
 */
export function readMessages(datagram: Uint8Array, onlyControl = false): Message[] {
  const size = datagram.length;
  const view = new DataView(datagram.buffer, datagram.byteOffset, size);
  const messages: Message[] = [];
  for (let at = 0; at < size; ) {
    const left = size - at;
    const length = left < NLMSG_HDRLEN ? 0 : view.getUint32(at, true);
    if (length < NLMSG_HDRLEN || length > left) {
      throw new DecodeError(`netlink message at byte ${at} has length ${length} of ${left} left`);
    }
    const kind = view.getUint32(at + 4, true);
    const type = kind & 0xffff;
    const flags = kind >>> 16;
    const start = at;
    at += (length + 3) & ~3;
    if (onlyControl && type >= NLMSG_MIN_TYPE && (flags & NLM_F.DUMP_INTR) === 0) continue;
    messages.push({
      type,
      flags,
      sequence: view.getUint32(start + 8, true),
      portId: view.getUint32(start + 12, true),
      payload: datagram.subarray(start + NLMSG_HDRLEN, start + length),
    });
  }
  return messages;
}
