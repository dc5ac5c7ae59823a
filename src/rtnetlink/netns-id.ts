// The ids by which one network namespace knows others: `ip netns list-id`.

import type { Connection } from "../netlink/connection.ts";
import { type Message, request } from "../netlink/message.ts";
import { attr, attrs } from "../wire/attrs.ts";
import { pad, s32, u8, u32 } from "../wire/codec.ts";
import { decodeWithin } from "../wire/error.ts";
import { struct } from "../wire/struct.ts";
import { NETNSA, RTM } from "./uapi.ts";

/** struct rtgenmsg (include/uapi/linux/rtnetlink.h), padded. */
const rtgenmsg = struct({ family: u8, _pad: pad(3) });

/** include/uapi/linux/net_namespace.h, NETNSA_* */
const netnsAttributes = attrs({ id: attr(NETNSA.NSID, s32), fd: attr(NETNSA.FD, u32) });

/** The id that the connection's namespace has for the one behind the descriptor; undefined where the two never met. */
export function getNetnsId(connection: Connection, fd: number): number | undefined {
  const operation = (): string => `netns list-id (descriptor ${fd})`;
  const id = connection.ask(
    request(RTM.GETNSID, 0, operation, [rtgenmsg, { family: 0 }], [netnsAttributes, { fd }]),
    decodeNetnsId,
  );
  return id < 0 ? undefined : id; // NETNSA_NSID_NOT_ASSIGNED
}

function decodeNetnsId({ payload }: Message): number {
  return decodeWithin("netns", () => netnsAttributes.decode(payload.subarray(rtgenmsg.size)).id ?? -1);
}
