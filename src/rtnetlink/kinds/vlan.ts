// IFLA_INFO_DATA of a VLAN device (include/uapi/linux/if_link.h, IFLA_VLAN_*).

import { attr, attrs } from "../../wire/attrs.ts";
import { u16, u16be } from "../../wire/codec.ts";
import { IFLA_VLAN } from "../uapi.ts";

/** `ip link add … type vlan`; `protocol` is an ETH_P number, 802.1Q when absent. */
export const vlan = attrs({
  id: attr(IFLA_VLAN.ID, u16),
  protocol: attr(IFLA_VLAN.PROTOCOL, u16be),
});
