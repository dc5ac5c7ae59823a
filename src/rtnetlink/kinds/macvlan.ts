// IFLA_INFO_DATA of a macvlan (include/uapi/linux/if_link.h, IFLA_MACVLAN_*).

import { attr, attrs } from "../../wire/attrs.ts";
import { u16, u32 } from "../../wire/codec.ts";
import { IFLA_MACVLAN } from "../uapi.ts";

/**
 * `ip link add … type macvlan`; `mode` is a MACVLAN_MODE. `bcQueueLength` is how many broadcast frames wait for a link of the
 * same parent, of which the longest counts (Linux 5.11; older kernels pass over it).
 */
export const macvlan = attrs({
  mode: attr(IFLA_MACVLAN.MODE, u32),
  flags: attr(IFLA_MACVLAN.FLAGS, u16),
  bcQueueLength: attr(IFLA_MACVLAN.BC_QUEUE_LEN, u32),
});
