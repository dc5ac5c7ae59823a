// The header of link messages.

import { pad, s32, u8, u16, u32 } from "../wire/codec.ts";
import { type StructValue, struct } from "../wire/struct.ts";

const fields = {
  family: u8,
  _pad: pad(1),
  type: u16,
  index: s32,
  flags: u32,
  change: u32,
} as const;

export type Ifinfomsg = StructValue<typeof fields>;

/** struct ifinfomsg, include/uapi/linux/rtnetlink.h */
export const ifinfomsg = struct(fields);

/** A header that says nothing but what is given. */
export function linkHeader({
  family = 0,
  type = 0,
  index = 0,
  flags = 0,
  change = 0,
}: Partial<Ifinfomsg> = {}): Ifinfomsg {
  return { family, type, index, flags, change };
}
