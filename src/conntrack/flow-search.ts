// Looking for an address in long lists of flows. A hundred thousand flows are 30 MB, and an interpreter that reads them
// attribute by attribute takes seconds; so the words that all is aligned to are compared, as they lie in the receive buffer.

import { encode, type Infer } from "../wire/codec.ts";
import type { Ip } from "../wire/ip.ts";
import { entry } from "./flow.ts";

/** The words of an address, in the machine's order: what attributes are aligned to. */
type Words = Uint32Array;

const NLMSG_WORDS = 4;
/** struct nlmsghdr and struct nfgenmsg; CTA_TUPLE_ORIG is the first attribute, CTA_TUPLE_REPLY the second. */
const TUPLES = NLMSG_WORDS + 1;
const NLMSG_MIN_TYPE = 0x10;

/** How the kernel begins a flow whose addresses are this many words long, as words. */
interface Beginning {
  /** The types of CTA_TUPLE_ORIG and CTA_TUPLE_REPLY, with their flags. */
  readonly original: number;
  readonly reply: number;
  /** The headers of CTA_TUPLE_IP with a source and a destination in it, and of the source. */
  readonly ip: number;
  readonly source: number;
}

/** Read off a flow that is written by the table. */
function beginningOf(addressLength: number): Beginning {
  const address = new Uint8Array(addressLength);
  const ends = { source: address, destination: address };
  const words = (flow: Infer<typeof entry>): Words => new Uint32Array(encode(entry, flow).slice().buffer);
  const [original = 0, ip = 0, source = 0] = words({ original: ends });
  const [reply = 0] = words({ reply: ends });
  return { original: original >>> 16, reply: reply >>> 16, ip, source };
}

const BEGINNINGS = new Map([4, 16].map((length) => [length >> 2, beginningOf(length)]));

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

/** Goes from message to message. What does not look as the kernel makes it is left to the reader: true. */
function hasSource(words: Words, address: Words): boolean {
  const beginning = BEGINNINGS.get(address.length);
  if (beginning === undefined) return true;
  for (let at = 0; at < words.length; ) {
    const length = words[at] ?? 0;
    if (length < NLMSG_WORDS * 4) return true;
    if (((words[at + 1] ?? 0) & 0xffff) >= NLMSG_MIN_TYPE) {
      const original = at + TUPLES;
      const first = words[original] ?? 0;
      const reply = original + (((first & 0xffff) + 3) >> 2);
      const isAsMade = first >>> 16 === beginning.original && (words[reply] ?? 0) >>> 16 === beginning.reply;
      if (!isAsMade || isSource(words, original, address, beginning) || isSource(words, reply, address, beginning)) {
        return true;
      }
    }
    at += (length + 3) >> 2;
  }
  return false;
}

/** Whether the tuple that begins there has this source, or looks other than the kernel makes it. */
function isSource(words: Words, tuple: number, address: Words, { ip, source }: Beginning): boolean {
  if (words[tuple + 1] !== ip || words[tuple + 2] !== source) return true;
  for (let i = address.length - 1; i >= 0; i--) if (words[tuple + 3 + i] !== address[i]) return false;
  return true;
}
