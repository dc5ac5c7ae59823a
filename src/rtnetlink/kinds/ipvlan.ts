// IFLA_INFO_DATA of an ipvlan (include/uapi/linux/if_link.h, IFLA_IPVLAN_*).

import { attr, attrs } from "../../wire/attrs.ts";
import { u16 } from "../../wire/codec.ts";
import { IFLA_IPVLAN } from "../uapi.ts";

/**
 * `ip link add … type ipvlan`; `mode` is an IPVLAN_MODE, `flags` has IPVLAN_F bits. Both hold for all ipvlans of one parent:
 * those of the latest count.
 */
export const ipvlan = attrs({
  mode: attr(IFLA_IPVLAN.MODE, u16),
  flags: attr(IFLA_IPVLAN.FLAGS, u16),
});
