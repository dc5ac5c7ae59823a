// The bridge that containers are ports of: made when there is none, taken as it is when there is one.

import type { Connection } from "../netlink/connection.ts";
import { type BriefLink, getBriefLink, getMac } from "../rtnetlink/brief-link.ts";
import { addLink, getLink, setLink } from "../rtnetlink/link.ts";
import type { LinkInfo } from "../rtnetlink/link-info.ts";
import { IF_OPER, IFF } from "../rtnetlink/uapi.ts";
import { hasCode } from "../sys/error.ts";
import { randomBytes } from "../sys/process.ts";
import { trySetSysctl } from "../sys/sysctl.ts";
import { compareBytes } from "../wire/codec.ts";
import type { Mac } from "../wire/mac.ts";
import { localMac } from "./local-mac.ts";

/** What is asked of a bridge. */
export interface BridgeSpec {
  readonly name: string;
  /** Of a bridge that is made; the kernel's 1500 when absent. One that is there keeps its own. */
  readonly mtu?: number | undefined;
  readonly promisc: boolean;
  /** Whether a bridge that is made tells VLANs apart. One that is there stays as it is: others may depend on it. */
  readonly vlanFiltering: boolean;
  /**
   * Whether it is going to carry addresses. A bridge that is made then keeps its MAC address: others have that of their
   * lowest port, as ports come and go.
   */
  readonly isGateway: boolean;
  /** Whether a gateway that is made looks for duplicates of its own link-local address before it uses it. */
  readonly duplicateAddressDetection: boolean;
}

/** A bridge that is up. */
export interface Bridge extends FoundBridge {
  /** Whether there was none before. */
  readonly isNew: boolean;
}

interface FoundBridge extends BriefLink {
  /** Its options, where it was to tell VLANs apart: to read them all takes long. */
  readonly info?: LinkInfo | undefined;
}

/** There is a link of this name that is no bridge. */
export class NotBridgeError extends Error {
  override readonly name: string = "NotBridgeError";
}

/**
 * Sees to it that there is such a bridge, like `ip link add NAME type bridge` and `ip link set NAME up`; a bridge that is
 * there and up costs one look-up. Throws NotBridgeError or NetlinkError. What has been made stays when it throws.
 */
export function ensureBridge(connection: Connection, spec: BridgeSpec): Bridge {
  const { bridge, isNew } = findOrMake(connection, spec);
  if (bridge.kind !== "bridge") {
    const found = bridge.kind === undefined ? "a link of another kind" : `a link of type ${bridge.kind}`;
    throw new NotBridgeError(`${JSON.stringify(spec.name)} exists and is not a bridge, but ${found}`);
  }
  // The routes of this link are ours: router advertisements have no say in them.
  trySetSysctl(`net/ipv6/conf/${bridge.name}/accept_ra`, "0");
  // Until it can use its link-local address a node can't ask for a container's Ethernet address on behalf of others
  // (ndisc_solicit() in net/ipv6/ndisc.c): for a second or two nobody could reach the container first.
  // A bridge that is down is new, too: the ADD that made it was killed before it could set the bridge up.
  const isReady = (isNew || !bridge.isUp) && spec.isGateway && !spec.duplicateAddressDetection;
  if (isReady) trySetSysctl(`net/ipv6/conf/${bridge.name}/accept_dad`, "0");
  const isPromisc = (bridge.flags & IFF.PROMISC) !== 0;
  if (!bridge.isUp || (spec.promisc && !isPromisc)) {
    connection.execute(setLink(bridge, { up: true, ...(spec.promisc ? { promisc: true } : {}) }));
  }
  return { ...bridge, isNew };
}

/** Whether the bridge has ports, of which one at least is up, and so the address of one of them or one that it was given. */
export function hadPorts({ operState }: BriefLink): boolean {
  return operState === IF_OPER.UP;
}

/**
 * The bridge's MAC address once the port has joined. A bridge that has not been told to keep its own takes that of its
 * lowest port (br_stp_recalculate_bridge_id() in net/bridge/br_stp_if.c), so there's often no need to look again.
 */
export function macWithPort(connection: Connection, bridge: BriefLink, port: BriefLink): Mac {
  if (hadPorts(bridge) && compareBytes(bridge.mac, port.mac) < 0) return bridge.mac;
  return getMac(connection, bridge) ?? bridge.mac;
}

/** Of two processes that make the bridge at once one is told EEXIST, and takes the other's. */
function findOrMake(
  connection: Connection,
  spec: BridgeSpec,
): { readonly bridge: FoundBridge; readonly isNew: boolean } {
  const look = (): FoundBridge | undefined => (spec.vlanFiltering ? getLink : getBriefLink)(connection, spec.name);
  const found = look();
  if (found !== undefined) return { bridge: found, isNew: false };
  const isNew = make(connection, spec);
  const bridge = look();
  if (bridge === undefined) throw new Error(`the bridge ${JSON.stringify(spec.name)} is gone as soon as it was made`);
  return { bridge, isNew };
}

function make(connection: Connection, { name, mtu, vlanFiltering, isGateway }: BridgeSpec): boolean {
  const info = { kind: "bridge", ...(vlanFiltering ? { vlanFiltering } : {}) } as const;
  try {
    connection.execute(addLink({ name, mtu, mac: isGateway ? localMac(randomBytes(6)) : undefined, info }));
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    if (!vlanFiltering || !hasCode(error, "EOPNOTSUPP")) throw error;
    throw new Error("this kernel's bridges can't tell VLANs apart (CONFIG_BRIDGE_VLAN_FILTERING)", { cause: error });
  }
}
