// VLANs of a bridge that tells them apart: those of a container's port, and the interface that is the gateway of one.

import { undoOnFailure } from "../cni/undo.ts";
import type { Connection } from "../netlink/connection.ts";
import type { Request } from "../netlink/message.ts";
import { addBridgeVlans, type BridgeVlan, deleteBridgeVlans } from "../rtnetlink/bridge-vlan.ts";
import { type BriefLink, getBriefLink } from "../rtnetlink/brief-link.ts";
import type { Device } from "../rtnetlink/device.ts";
import { setLink } from "../rtnetlink/link.ts";
import { hasCode } from "../sys/error.ts";
import { close } from "../sys/fd.ts";
import { OWN_NETNS, openNetns } from "../sys/netns.ts";
import type { Bridge } from "./bridge.ts";
import { createVeth } from "./veth.ts";

/** The VLANs that a port is to be in. */
export interface PortVlans {
  /** The VLAN of frames without a tag; undefined: the default of upstream's plugin. */
  readonly native: number | undefined;
  /** The VLANs whose frames have their tag. */
  readonly trunk: readonly BridgeVlan[];
  /** Whether the port stays in the VLAN that the bridge puts every new port into. */
  readonly keepDefault: boolean;
}

/** The native VLAN of a port that has a trunk and nothing said of one. */
const NATIVE_OF_TRUNK = 1;

/** The requests that put a new port of the bridge in its VLANs; none where it shall be in no VLAN of its own. */
export function joinVlans(
  bridge: Pick<Bridge, "info">,
  port: Device,
  { native, trunk, keepDefault }: PortVlans,
): Request[] {
  if (native === undefined && trunk.length === 0) return [];
  const requests: Request[] = [];
  const initial = defaultVlan(bridge);
  if (!keepDefault && initial !== 0) requests.push(deleteBridgeVlans(port, [{ vid: initial }]));
  if (trunk.length > 0) requests.push(addBridgeVlans(port, trunk));
  // The native VLAN comes last: being part of the trunk, too, must not take its untagged frames away.
  const own = { vid: native ?? NATIVE_OF_TRUNK, pvid: true, untagged: true };
  requests.push(addBridgeVlans(port, [own]));
  return requests;
}

/** The VLAN that the bridge puts every new port into; 0: none. */
function defaultVlan({ info }: Pick<Bridge, "info">): number {
  return info?.kind === "bridge" && "vlanDefaultPvid" in info ? (info.vlanDefaultPvid ?? 0) : 0;
}

/** What the interface of a VLAN's gateways is asked for with. */
interface VlanGateway {
  readonly vid: number;
  readonly keepDefault: boolean;
  /** Takes a line for people: see Invocation. */
  readonly log: (line: string) => void;
}

/**
 * Sees to it that the node has an interface in a VLAN of the bridge, which can carry the gateway addresses of its
 * containers, and that it is up: a veth whose other end is a port of the bridge. Throws NetlinkError.
 */
export function ensureVlanGateway(connection: Connection, bridge: Bridge, name: string, vlan: VlanGateway): BriefLink {
  const found = getBriefLink(connection, name) ?? makeVlanGateway(connection, bridge, name, vlan);
  if (!found.isUp) connection.execute(setLink(found, { up: true }));
  return found;
}

function makeVlanGateway(
  node: Connection,
  bridge: Bridge,
  name: string,
  { vid, keepDefault, log }: VlanGateway,
): BriefLink {
  const netns = openNetns(OWN_NETNS);
  try {
    return undoOnFailure(log, (undo) => {
      const here = { node, container: node, netns, path: OWN_NETNS };
      const wanted = { ifname: name, mtu: bridge.mtu, masterIndex: bridge.index };
      const veth = createVeth(here, wanted, undo);
      node.executeAll(joinVlans(bridge, veth.node, { native: vid, trunk: [], keepDefault }));
      return lookUp(node, name);
    });
  } catch (error) {
    // Another process, which attaches another container, was faster.
    if (hasCode(error, "EEXIST")) return lookUp(node, name);
    throw error;
  } finally {
    close(netns);
  }
}

function lookUp(connection: Connection, name: string): BriefLink {
  const link = getBriefLink(connection, name);
  if (link === undefined)
    throw new Error(`the VLAN's interface ${JSON.stringify(name)} has gone while it was being set up`);
  return link;
}
