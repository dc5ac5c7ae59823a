// IFLA_INFO_DATA of a tun or tap (include/uapi/linux/if_link.h, IFLA_TUN_*).

import { attr, attrs } from "../../wire/attrs.ts";
import { u8, u32 } from "../../wire/codec.ts";
import { bool8 } from "../codecs.ts";
import { IFLA_TUN } from "../uapi.ts";

/** `ip -d link show type tun`. The kernel tells it only: such links are made by ioctl. `type` is 1 for tun and 2 for tap. */
export const tun = attrs({
  owner: attr(IFLA_TUN.OWNER, u32),
  group: attr(IFLA_TUN.GROUP, u32),
  type: attr(IFLA_TUN.TYPE, u8),
  pi: attr(IFLA_TUN.PI, bool8),
  vnetHdr: attr(IFLA_TUN.VNET_HDR, bool8),
  persist: attr(IFLA_TUN.PERSIST, bool8),
  multiQueue: attr(IFLA_TUN.MULTI_QUEUE, bool8),
  queues: attr(IFLA_TUN.NUM_QUEUES, u32),
  disabledQueues: attr(IFLA_TUN.NUM_DISABLED_QUEUES, u32),
});
