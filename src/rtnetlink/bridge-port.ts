// The options of a bridge's port: bridge(8) `bridge link`. They are read as the `port` of a Link.

import { type Request, request } from "../netlink/message.ts";
import { attr, attrs } from "../wire/attrs.ts";
import { type Infer, u8, u16, u32 } from "../wire/codec.ts";
import { bool8 } from "./codecs.ts";
import { type Device, deviceText } from "./device.ts";
import { ifinfomsg, linkHeader } from "./ifinfomsg.ts";
import { AF, IFLA, IFLA_BRPORT, RTM } from "./uapi.ts";

/** IFLA_PROTINFO of AF_BRIDGE messages and IFLA_INFO_SLAVE_DATA of others (include/uapi/linux/if_link.h). */
export const bridgePort = attrs({
  /** BR_STATE: whether frames pass. */
  state: attr(IFLA_BRPORT.STATE, u8),
  priority: attr(IFLA_BRPORT.PRIORITY, u16),
  cost: attr(IFLA_BRPORT.COST, u32),
  hairpin: attr(IFLA_BRPORT.MODE, bool8),
  guard: attr(IFLA_BRPORT.GUARD, bool8),
  rootBlock: attr(IFLA_BRPORT.PROTECT, bool8),
  fastLeave: attr(IFLA_BRPORT.FAST_LEAVE, bool8),
  learning: attr(IFLA_BRPORT.LEARNING, bool8),
  flood: attr(IFLA_BRPORT.UNICAST_FLOOD, bool8),
  multicastFlood: attr(IFLA_BRPORT.MCAST_FLOOD, bool8),
  broadcastFlood: attr(IFLA_BRPORT.BCAST_FLOOD, bool8),
  neighbourSuppression: attr(IFLA_BRPORT.NEIGH_SUPPRESS, bool8),
  isolated: attr(IFLA_BRPORT.ISOLATED, bool8),
  locked: attr(IFLA_BRPORT.LOCKED, bool8),
});

/** The options of a port; what is undefined stays as it is. */
export type BridgePort = Infer<typeof bridgePort>;

const bridgeLink = attrs({ port: attr(IFLA.PROTINFO, bridgePort) });

/** Like `bridge link set`. Fails with EOPNOTSUPP when the link is not a bridge's port. */
export function setBridgePort(device: Device, settings: BridgePort): Request {
  const operation = (): string => `bridge link set dev ${deviceText(device)}${settingsText(settings)}`;
  const header = linkHeader({ family: AF.BRIDGE, index: device.index });
  return request(RTM.SETLINK, 0, operation, [ifinfomsg, header], [bridgeLink, { port: settings }]);
}

function settingsText(settings: BridgePort): string {
  const { hairpin, isolated, learning, flood } = settings;
  let text = "";
  for (const [name, value] of Object.entries({ hairpin, isolated, learning, flood })) {
    if (value !== undefined) text += ` ${name} ${value ? "on" : "off"}`;
  }
  return text;
}
