// The bridge plugin: containers as ports of a bridge on the node.

import { withNamespacesIfAny, withNode } from "../../links/namespaces.ts";
import { hasWayBack, removeUnknownWaysBack, removeWaysBack } from "../../links/way-back.ts";
import { ipMasq, macSpoofCheck } from "../extras.ts";
import { interfacePlugin } from "../interface.ts";
import { addressKeys, masqueradeOptionKeys } from "../shared-keys.ts";
import { make } from "./add.ts";
import { checkRest } from "./check.ts";
import { bridgeSchema, readBridgeConfig, vlanGatewayName } from "./config.ts";

export const plugin = interfacePlugin({
  name: "bridge",
  keys: [bridgeSchema, addressKeys, masqueradeOptionKeys],
  ipam: "optional",
  linkKind: "veth",
  read: readBridgeConfig,
  make,
  checkRest,
  /** The bridge stays, and so would the routes through it. */
  removeRest(result) {
    if (hasWayBack(result)) withNode((node) => removeWaysBack(node, result));
  },
  removeUnknownRest({ netns, ifname, config: { raw } }) {
    // DEL judges no value.
    const { vlan } = raw;
    const gatewayOf = (bridge: string): string =>
      typeof vlan === "number" && vlan > 0 ? vlanGatewayName(bridge, vlan) : bridge;
    withNamespacesIfAny(netns, (namespaces) => removeUnknownWaysBack(namespaces, ifname, gatewayOf));
  },
  extras: [ipMasq, macSpoofCheck],
});
