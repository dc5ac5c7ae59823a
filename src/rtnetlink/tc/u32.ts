// TCA_OPTIONS of the u32 classifier (include/uapi/linux/pkt_cls.h, TCA_U32_*): tc-u32(8).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Codec, type Infer, pad, s32, u8, u16, u16be, u32, u32be } from "../../wire/codec.ts";
import { DecodeError } from "../../wire/error.ts";
import { struct } from "../../wire/struct.ts";
import { TC_U32, TCA_U32 } from "../uapi.ts";
import { actions } from "./mirred.ts";

/** struct tc_u32_sel without its keys */
const selectorHead = struct({
  flags: u8,
  offsetShift: u8,
  keyCount: u8,
  _pad: pad(1),
  offsetMask: u16be,
  offset: u16,
  offsetOffset: u16,
  hashOffset: u16,
  hashMask: u32be,
});

/** struct tc_u32_key */
const selectorKey = struct({ mask: u32be, value: u32be, offset: s32, offsetMask: s32 });

/** Four bytes that must be these, as far as the mask says, at an offset from the network header. */
export interface U32Key {
  readonly mask: number;
  readonly value: number;
  readonly offset: number;
}

/** What a packet must be like: all keys must fit. */
export interface U32Selector {
  /** TC_U32 bits. */
  readonly flags: number;
  readonly keys: readonly U32Key[];
}

const NO_OFFSETS = { offsetShift: 0, offsetMask: 0, offset: 0, offsetOffset: 0, hashOffset: 0, hashMask: 0 };

const selector: Codec<U32Selector> = {
  encode({ flags, keys }, out) {
    selectorHead.encode({ ...NO_OFFSETS, flags, keyCount: keys.length }, out);
    for (const key of keys) selectorKey.encode({ ...key, offsetMask: 0 }, out);
  },
  decode(payload) {
    const { flags, keyCount } = selectorHead.decode(payload);
    const end = selectorHead.size + keyCount * selectorKey.size;
    if (payload.length < end) throw new DecodeError(`want ${end} bytes, got ${payload.length}`);
    const keys = Array.from({ length: keyCount }, (_, i) => {
      const { mask, value, offset } = selectorKey.decode(payload.subarray(selectorHead.size + i * selectorKey.size));
      return { mask, value, offset };
    });
    return { flags, keys };
  },
};

export const u32Filter = attrs({
  classId: attr(TCA_U32.CLASSID, u32),
  selector: attr(TCA_U32.SEL, selector),
  actions: attr(TCA_U32.ACT, actions),
});

/** Like `u32 match …`, and the search for a filter ends with a packet that fits. */
export function matching(keys: readonly U32Key[]): NonNullable<Infer<typeof u32Filter>["selector"]> {
  return { flags: TC_U32.TERMINAL, keys };
}
