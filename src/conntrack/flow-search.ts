// Looking for an address in long lists of flows. A hundred thousand flows are 30 MB, and an interpreter that reads them
// attribute by attribute takes seconds; so the words that all is aligned to are compared, as they lie in the receive buffer.

import type { Ip } from "../wire/ip.ts";

/** The words of an address, in the machine's order: what attributes are aligned to. */
type Words = Uint32Array;

const NLMSG_WORDS = 4;
/** struct nlmsghdr and struct nfgenmsg; CTA_TUPLE_ORIG is the first attribute, CTA_TUPLE_REPLY the second. */
const TUPLES = NLMSG_WORDS + 1;
const NLMSG_MIN_TYPE = 0x10;

// Headers of attributes as words: { u16 length; u16 type; }, NLA_F_NESTED among the type's bits.
const CTA_TUPLE_ORIG = 0x8001;
const CTA_TUPLE_REPLY = 0x8002;
/** CTA_TUPLE_IP with a source and a destination in it, and the source, CTA_IP_V4_SRC or CTA_IP_V6_SRC. */
const HEADERS = new Map([
  [1, { ip: 0x80010014, source: 0x00010008 }],
  [4, { ip: 0x8001002c, source: 0x00030014 }],
]);

/**
 * Whether one of the addresses may be in the datagram as the source of a flow, before translation or of its answers: false
 * is certain. For few addresses of one family.
 */
export function mayHaveSource(addresses: readonly Ip[]): (datagram: Uint8Array) => boolean {
  const wanted = addresses.map((address): Words => new Uint32Array(address.slice().buffer));
  return ({ buffer, byteOffset, length }) => {
    if (byteOffset % 4 !== 0) return true;
    const words = new Uint32Array(buffer, byteOffset, length >> 2);
    // The last words of an address tell it from others of its network, and the engine looks for a word quickly.
    const possible = wanted.filter((address) => address.every((_, i) => words.includes(address.at(-1 - i) ?? 0)));
    return possible.some((address) => hasSource(words, address));
  };
}

/** Goes from message to message. Whatever does not look as the kernel makes it is for those who read it. */
function hasSource(words: Words, address: Words): boolean {
  for (let at = 0; at < words.length; ) {
    const length = words[at] ?? 0;
    if (length < NLMSG_WORDS * 4) return true;
    if (((words[at + 1] ?? 0) & 0xffff) >= NLMSG_MIN_TYPE) {
      const original = at + TUPLES;
      const first = words[original] ?? 0;
      const reply = original + (((first & 0xffff) + 3) >> 2);
      const isAsMade = first >>> 16 === CTA_TUPLE_ORIG && (words[reply] ?? 0) >>> 16 === CTA_TUPLE_REPLY;
      if (!isAsMade || isSource(words, original, address) || isSource(words, reply, address)) return true;
    }
    at += (length + 3) >> 2;
  }
  return false;
}

/** Whether the tuple that begins there has this source, or looks other than the kernel makes it. */
function isSource(words: Words, tuple: number, address: Words): boolean {
  const headers = HEADERS.get(address.length);
  if (words[tuple + 1] !== headers?.ip || words[tuple + 2] !== headers?.source) return true;
  for (let i = address.length - 1; i >= 0; i--) if (words[tuple + 3 + i] !== address[i]) return false;
  return true;
}
