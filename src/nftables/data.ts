// Values that registers and elements hold: bytes, or a verdict (NFTA_DATA_…).

import { attr, attrs, readAttributes, writeAttribute } from "../wire/attrs.ts";
import { bytes, type Codec, cstring, s32be } from "../wire/codec.ts";
import { DecodeError, decodeWithin } from "../wire/error.ts";
import { NF, NFT_VERDICT } from "./uapi.ts";

/** What becomes of a packet: accept, drop, return, or a jump or goto to a chain. */
export interface Verdict {
  /** Of NF or NFT_VERDICT. */
  readonly code: number;
  /** The chain of JUMP and GOTO. */
  readonly chain?: string | undefined;
}

export type Data = Uint8Array | Verdict;

const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;

const verdict = attrs({
  code: attr(1, s32be), // NFTA_VERDICT_CODE
  chain: attr(2, cstring), // NFTA_VERDICT_CHAIN
});

/** A nest of one attribute: NFTA_DATA_VALUE or NFTA_DATA_VERDICT. */
export const data: Codec<Data> = {
  nested: true,
  encode(value, out) {
    if (value instanceof Uint8Array) writeAttribute(out, NFTA_DATA_VALUE, bytes, value);
    else writeAttribute(out, NFTA_DATA_VERDICT, verdict, value);
  },
  decode(source) {
    for (const { type, payload } of readAttributes(source)) {
      if ((type & 0x3fff) === NFTA_DATA_VALUE) return payload.slice();
      if ((type & 0x3fff) !== NFTA_DATA_VERDICT) continue;
      const { code, chain } = decodeWithin("verdict", () => verdict.decode(payload));
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
