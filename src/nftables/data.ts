// Values that registers and elements hold: bytes, or a verdict (NFTA_DATA_…).

import { AttributeCursor } from "../wire/attribute-cursor.ts";
import { attr, attrs, writeAttribute } from "../wire/attrs.ts";
import { bytes, type Codec, cstring, decodeNamed, s32be } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import { NF, NFT_VERDICT, NFTA_DATA, NFTA_VERDICT } from "./uapi.ts";

/** What becomes of a packet: accept, drop, return, or a jump or goto to a chain. */
export interface Verdict {
  /** Of NF or NFT_VERDICT. */
  readonly code: number;
  /** The chain of JUMP and GOTO. */
  readonly chain?: string | undefined;
}

export type Data = Uint8Array | Verdict;

/** A verdict, as a map or an event has it. */
export const verdict = attrs({
  code: attr(NFTA_VERDICT.CODE, s32be),
  chain: attr(NFTA_VERDICT.CHAIN, cstring),
});

/** A nest of one attribute: NFTA_DATA.VALUE or NFTA_DATA.VERDICT. */
export const data: Codec<Data> = {
  nested: true,
  encode(value, out) {
    if (value instanceof Uint8Array) writeAttribute(out, NFTA_DATA.VALUE, bytes, value);
    else writeAttribute(out, NFTA_DATA.VERDICT, verdict, value);
  },
  decode(source) {
    for (const cursor = new AttributeCursor(source); cursor.next(); ) {
      if (cursor.type === NFTA_DATA.VALUE) return cursor.payload().slice();
      if (cursor.type !== NFTA_DATA.VERDICT) continue;
      const { code, chain } = decodeNamed(verdict, cursor.payload(), "verdict");
      if (code === undefined) throw new DecodeError("missing", "verdict/code");
      return chain === undefined ? { code } : { code, chain };
    }
    throw new DecodeError("neither a value nor a verdict");
  },
};

/** The verdict as nft writes it: `goto policy-1`. */
export function verdictText(value: Verdict): string {
  switch (value.code) {
    case NF.DROP:
      return "drop";
    case NF.ACCEPT:
      return "accept";
    case NFT_VERDICT.CONTINUE:
      return "continue";
    case NFT_VERDICT.BREAK:
      return "break";
    case NFT_VERDICT.JUMP:
      return `jump ${value.chain}`;
    case NFT_VERDICT.GOTO:
      return `goto ${value.chain}`;
    case NFT_VERDICT.RETURN:
      return "return";
    default:
      return `verdict ${value.code}`;
  }
}
