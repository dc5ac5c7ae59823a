// What a rule looks at: a field of a header or something that the kernel knows of the packet. A selector knows how it is
// loaded into a register and how many bytes it then has.

import type { Family } from "../wire/ip.ts";
import { NFT_CT } from "./expr/ct.ts";
import { NFT_FIB_RESULT, NFTA_FIB_F } from "./expr/fib.ts";
import { NFT_HASH } from "./expr/hash.ts";
import { NFT_META } from "./expr/meta.ts";
import { NFT_NG } from "./expr/numgen.ts";
import { NFT_PAYLOAD } from "./expr/payload.ts";
import type { Expression } from "./expression.ts";
import { NFT_REG32_00 } from "./uapi.ts";

export interface Selector {
  /** Bytes. */
  readonly length: number;
  /** Loads the first `length` bytes of it, or all. */
  load(register: number, length?: number): Expression;
}

function field(base: number, offset: number, length: number): Selector {
  return { length, load: (dreg, len = length) => ({ kind: "payload", dreg, base, offset, len }) };
}

function knowledge(key: number, length: number): Selector {
  return { length, load: (dreg) => ({ kind: "meta", dreg, key }) };
}

function flow(key: number, length: number): Selector {
  return { length, load: (dreg) => ({ kind: "ct", dreg, key }) };
}

/** `ip saddr`, `ip6 saddr` */
export function saddr(family: Family): Selector {
  return family === 4 ? field(NFT_PAYLOAD.NETWORK_HEADER, 12, 4) : field(NFT_PAYLOAD.NETWORK_HEADER, 8, 16);
}

/** `ip daddr`, `ip6 daddr` */
export function daddr(family: Family): Selector {
  return family === 4 ? field(NFT_PAYLOAD.NETWORK_HEADER, 16, 4) : field(NFT_PAYLOAD.NETWORK_HEADER, 24, 16);
}

/** `ether saddr` */
export const etherSaddr: Selector = field(NFT_PAYLOAD.LL_HEADER, 6, 6);
/** `ether daddr` */
export const etherDaddr: Selector = field(NFT_PAYLOAD.LL_HEADER, 0, 6);
/** `th sport`: of TCP, UDP, SCTP … */
export const sport: Selector = field(NFT_PAYLOAD.TRANSPORT_HEADER, 0, 2);
/** `th dport` */
export const dport: Selector = field(NFT_PAYLOAD.TRANSPORT_HEADER, 2, 2);
/** `meta l4proto` */
export const l4proto: Selector = knowledge(NFT_META.L4PROTO, 1);
/** `meta nfproto` */
export const nfproto: Selector = knowledge(NFT_META.NFPROTO, 1);
/** `meta protocol` */
export const protocol: Selector = knowledge(NFT_META.PROTOCOL, 2);
/** `meta mark` */
export const mark: Selector = knowledge(NFT_META.MARK, 4);
/** `iifname` */
export const iifname: Selector = knowledge(NFT_META.IIFNAME, 16);
/** `oifname` */
export const oifname: Selector = knowledge(NFT_META.OIFNAME, 16);
/** `meta iiftype` */
export const iiftype: Selector = knowledge(NFT_META.IIFTYPE, 2);
/** `ct state`: a mask of CT_STATE. */
export const ctState: Selector = flow(NFT_CT.STATE, 4);
/** `ct status`: a mask of IPS. */
export const ctStatus: Selector = flow(NFT_CT.STATUS, 4);
/** `ct mark` */
export const ctMark: Selector = flow(NFT_CT.MARK, 4);
/** `fib daddr type`: of RTN, in host order. */
export const fibDaddrType: Selector = {
  length: 4,
  load: (dreg) => ({ kind: "fib", dreg, result: NFT_FIB_RESULT.ADDRTYPE, flags: NFTA_FIB_F.DADDR }),
};

/** `numgen random mod 3`: a number from 0, in host order; a key for a map of addresses to choose from. */
export function randomNumber(modulus: number): Selector {
  return { length: 4, load: (dreg) => ({ kind: "numgen", dreg, modulus, type: NFT_NG.RANDOM, offset: 0 }) };
}

/** `numgen inc mod 3`: the numbers from 0 in turn. */
export function nextNumber(modulus: number): Selector {
  return { length: 4, load: (dreg) => ({ kind: "numgen", dreg, modulus, type: NFT_NG.INCREMENTAL, offset: 0 }) };
}

/** `symhash mod 3`: always the same number for a flow, in both directions. */
export function flowHash(modulus: number): Selector {
  return { length: 4, load: (dreg) => ({ kind: "hash", dreg, modulus, type: NFT_HASH.SYM, offset: 0 }) };
}

const WORDS_PER_REGISTER = 4;

/** Loads the selectors one behind the other from register 1 on, each padded to four bytes, as a concatenation wants it. */
export function loadAll(selectors: readonly Selector[]): Expression[] {
  let word = 0;
  return selectors.map((selector) => {
    const expression = selector.load(registerAt(word));
    word += (selector.length + 3) >> 2;
    return expression;
  });
}

/** The register that begins with this word; one of the four large ones where it can be, as the kernel tells it. */
function registerAt(word: number): number {
  return word % WORDS_PER_REGISTER === 0 ? 1 + word / WORDS_PER_REGISTER : NFT_REG32_00 + word;
}
