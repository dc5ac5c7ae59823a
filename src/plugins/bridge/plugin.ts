// The bridge plugin: containers as ports of a bridge on the node.

import { withNode } from "../../links/namespaces.ts";
import { hasWayBack, removeWaysBack } from "../../links/way-back.ts";
import { ipMasq, macSpoofCheck } from "../extras.ts";
import { interfacePlugin } from "../interface.ts";
import { addressKeys, masqueradeOptionKeys } from "../shared-keys.ts";
import { make } from "./add.ts";
import { checkRest } from "./check.ts";
import { bridgeSchema, readBridgeConfig } from "./config.ts";

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
  extras: [ipMasq, macSpoofCheck],
});
