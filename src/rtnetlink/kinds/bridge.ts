// IFLA_INFO_DATA of a bridge (include/uapi/linux/if_link.h, IFLA_BR_*).

import { attr, attrs } from "../../wire/attrs.ts";
import { u16, u16be, u32 } from "../../wire/codec.ts";
import { bool8 } from "../codecs.ts";
import { IFLA_BR } from "../uapi.ts";

/** `ip link add … type bridge`. Times are in hundredths of a second (USER_HZ), as the kernel has them. */
export const bridge = attrs({
  forwardDelay: attr(IFLA_BR.FORWARD_DELAY, u32),
  helloTime: attr(IFLA_BR.HELLO_TIME, u32),
  maxAge: attr(IFLA_BR.MAX_AGE, u32),
  ageingTime: attr(IFLA_BR.AGEING_TIME, u32),
  stpState: attr(IFLA_BR.STP_STATE, u32),
  priority: attr(IFLA_BR.PRIORITY, u16),
  vlanFiltering: attr(IFLA_BR.VLAN_FILTERING, bool8),
  vlanProtocol: attr(IFLA_BR.VLAN_PROTOCOL, u16be),
  groupForwardMask: attr(IFLA_BR.GROUP_FWD_MASK, u16),
  multicastSnooping: attr(IFLA_BR.MCAST_SNOOPING, bool8),
  callIptables: attr(IFLA_BR.NF_CALL_IPTABLES, bool8),
  callIp6tables: attr(IFLA_BR.NF_CALL_IP6TABLES, bool8),
  vlanDefaultPvid: attr(IFLA_BR.VLAN_DEFAULT_PVID, u16),
});
