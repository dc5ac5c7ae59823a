// CHECK of the node's side.

import { attachmentOf } from "../../cni/attachment.ts";
import type { Result } from "../../cni/result.ts";
import { checkPort } from "../../links/bridge-port.ts";
import { arePeers, CheckError, checkLink } from "../../links/check.ts";
import { checkGateways } from "../../links/gateway-address.ts";
import { checkWaysBack } from "../../links/way-back.ts";
import { checkGuard } from "../../mac-spoof/check.ts";
import type { Connection } from "../../netlink/connection.ts";
import { getLink, type Link } from "../../rtnetlink/link.ts";
import { IFF } from "../../rtnetlink/uapi.ts";
import type { Checking } from "../interface.ts";
import { type BridgeConfig, vlanGatewayName } from "./config.ts";
import { gatewaysOf } from "./gateways.ts";

/** The bridge, the port and the gateway addresses must be as ADD left them. */
export function checkRest({
  invocation,
  config,
  namespaces: { node },
  result,
  link: device,
}: Checking<BridgeConfig>): void {
  const bridge = checkBridge(node, config, result);
  const port = findPort(node, result, device, bridge);
  checkPort(port, { hairpin: config.hairpinMode, isolated: config.portIsolation });
  if (config.macspoofchk) checkGuard(attachmentOf(invocation), { port: port.name, mac: device.mac });
  if (invocation.config.ipamType === "" || !config.isGateway) return;
  const link = gatewayLink(node, config, bridge, result);
  checkGateways(node, link, gatewaysOf(result.ips));
  checkWaysBack(node, link, result.ips);
}

function checkBridge(node: Connection, config: BridgeConfig, result: Result): Link {
  const expected = result.interfaces.find(({ name, sandbox }) => name === config.bridge && !sandbox);
  if (expected === undefined) throw new CheckError(`prevResult does not have the bridge ${config.bridge}`);
  // A bridge that carries no addresses changes its MAC address as ports come and go.
  const keepsMac = config.isGateway && config.vlan === undefined && result.ips.length > 0;
  const bridge = checkLink(node, keepsMac ? expected : { name: expected.name }, "bridge", "on the node");
  if (config.promiscMode && (bridge.flags & IFF.PROMISC) === 0) {
    throw new CheckError(`the bridge ${bridge.name} is not in promiscuous mode`);
  }
  return bridge;
}

/** The node's end of the pair, by the names in the result. */
function findPort(node: Connection, result: Result, device: Link, bridge: Link): Link {
  for (const expected of result.interfaces) {
    if (expected.sandbox || expected.name === bridge.name) continue;
    const link = getLink(node, expected.name);
    if (link === undefined || !arePeers(link, device)) continue;
    if (link.masterIndex !== bridge.index) throw new CheckError(`${link.name} is not a port of bridge ${bridge.name}`);
    return checkLink(node, expected, "veth", "on the node");
  }
  throw new CheckError(`none of the interfaces in prevResult is the node's end of ${device.name}`);
}

function gatewayLink(node: Connection, config: BridgeConfig, bridge: Link, result: Result): Link {
  if (config.vlan === undefined) return bridge;
  const name = vlanGatewayName(bridge.name, config.vlan);
  return checkLink(node, result.interfaces.find((one) => one.name === name) ?? { name }, "veth", "on the node");
}
