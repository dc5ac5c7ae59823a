// The headers of traffic control's messages, and handles as tc(8) writes them.

import { pad, s32, u8, u16, u16be, u32 } from "../../wire/codec.ts";
import { struct } from "../../wire/struct.ts";
import { TC_H } from "../uapi.ts";

const head = { family: u8, _pad1: pad(1), _pad2: pad(2), index: s32, handle: u32, parent: u32 } as const;

/** struct tcmsg (include/uapi/linux/rtnetlink.h) of a queueing discipline. */
export const qdiscMessage = struct({ ...head, info: u32 });

/** The same of a filter, whose tcm_info is the protocol, in network order, and the priority. */
export const filterMessage = struct({ ...head, protocol: u16be, priority: u16 });

/** The handle of a queueing discipline (`1:`) or of a class (`1:1`). */
export function handleOf(major: number, minor = 0): number {
  return ((major << 16) | minor) >>> 0;
}

/** The handle that the ingress and clsact queueing disciplines have, whatever is asked for. */
export const CLSACT_HANDLE: number = handleOf(0xffff);

/** Where the filters of the two ways hang: packets that come in by the link, and those that leave by it. */
export const HOOKS = {
  ingress: handleOf(0xffff, TC_H.MIN_INGRESS),
  egress: handleOf(0xffff, TC_H.MIN_EGRESS),
} as const;

export type Hook = keyof typeof HOOKS;

/** A handle as tc(8) writes it: `1:`, `ffff:fff2`. */
export function handleText(handle: number): string {
  const minor = handle & 0xffff;
  return `${(handle >>> 16).toString(16)}:${minor === 0 ? "" : minor.toString(16)}`;
}
