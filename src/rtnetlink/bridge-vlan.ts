// The VLANs that a bridge lets through its ports: bridge(8) `bridge vlan`.

import type { Connection } from "../netlink/connection.ts";
import { type Request, request } from "../netlink/message.ts";
import { attr, attrs, multi } from "../wire/attrs.ts";
import { type Infer, u16, u32 } from "../wire/codec.ts";
import { DecodeError, decodeWithin } from "../wire/error.ts";
import { struct } from "../wire/struct.ts";
import { type Device, deviceText } from "./device.ts";
import { ifinfomsg, linkHeader } from "./ifinfomsg.ts";
import { AF, BRIDGE_FLAGS, BRIDGE_VLAN_INFO, IFLA, IFLA_BRIDGE, RTEXT_FILTER, RTM } from "./uapi.ts";

/** struct bridge_vlan_info, include/uapi/linux/if_bridge.h */
const vlanInfo = struct({ flags: u16, vid: u16 });

type VlanInfo = Infer<typeof vlanInfo>;

const bridgeLink = attrs({
  spec: attr(
    IFLA.AF_SPEC,
    attrs({ flags: attr(IFLA_BRIDGE.FLAGS, u16), vlans: attr(IFLA_BRIDGE.VLAN_INFO, multi(vlanInfo)) }),
  ),
  filter: attr(IFLA.EXT_MASK, u32),
});

/** A VLAN, or all from `vid` to `lastVid`, of a port. */
export interface BridgeVlan {
  /** 1 to 4094. */
  readonly vid: number;
  readonly lastVid?: number | undefined;
  /** Frames that come in without a tag belong to this VLAN; one at most, so not for a range. */
  readonly pvid?: boolean | undefined;
  /** Frames go out without a tag. */
  readonly untagged?: boolean | undefined;
}

/** Where VLANs are set: on a port of a bridge, or on the bridge device itself (`self`). */
export interface VlanTarget extends Device {
  readonly self?: boolean | undefined;
}

/** Like `bridge vlan add`; what is there already is changed to these flags. */
export function addBridgeVlans(target: VlanTarget, vlans: readonly BridgeVlan[]): Request {
  return vlanRequest(RTM.SETLINK, "add", target, vlans);
}

/** Like `bridge vlan delete`. */
export function deleteBridgeVlans(target: VlanTarget, vlans: readonly BridgeVlan[]): Request {
  return vlanRequest(RTM.DELLINK, "delete", target, vlans);
}

/** Like `bridge vlan show`: the VLANs of each bridge and port, by the index of the link. */
export function listBridgeVlans(connection: Connection): Map<number, BridgeVlan[]> {
  const header = linkHeader({ family: AF.BRIDGE });
  const attributes = { filter: RTEXT_FILTER.BRVLAN_COMPRESSED };
  const dump = request(RTM.GETLINK, 0, () => "bridge vlan show", [ifinfomsg, header], [bridgeLink, attributes]);
  const found = new Map<number, BridgeVlan[]>();
  for (const { payload } of connection.dump(dump)) {
    decodeWithin("bridge vlan", () => {
      const { index } = ifinfomsg.decode(payload);
      found.set(index, joinRanges(bridgeLink.decode(payload.subarray(ifinfomsg.size)).spec?.vlans ?? []));
    });
  }
  return found;
}

function vlanRequest(type: number, verb: string, target: VlanTarget, vlans: readonly BridgeVlan[]): Request {
  const text = (): string => `bridge vlan ${verb} dev ${deviceText(target)} vid ${vlans.map(vlanText).join(",")}`;
  const operation = (): string => `${text()}${target.self ? " self" : ""}`;
  const header = linkHeader({ family: AF.BRIDGE, index: target.index });
  const flags = target.self ? BRIDGE_FLAGS.SELF : undefined;
  return request(
    type,
    0,
    operation,
    [ifinfomsg, header],
    [bridgeLink, { spec: { flags, vlans: vlans.flatMap(split) } }],
  );
}

function vlanText({ vid, lastVid, pvid, untagged }: BridgeVlan): string {
  const range = lastVid === undefined ? `${vid}` : `${vid}-${lastVid}`;
  return `${range}${pvid ? " pvid" : ""}${untagged ? " untagged" : ""}`;
}

/** A range is two entries, its first and its last. */
function split({ vid, lastVid, pvid, untagged }: BridgeVlan): VlanInfo[] {
  const flags = (pvid ? BRIDGE_VLAN_INFO.PVID : 0) | (untagged ? BRIDGE_VLAN_INFO.UNTAGGED : 0);
  if (lastVid === undefined || lastVid === vid) return [{ flags, vid }];
  return [
    { flags: flags | BRIDGE_VLAN_INFO.RANGE_BEGIN, vid },
    { flags: flags | BRIDGE_VLAN_INFO.RANGE_END, vid: lastVid },
  ];
}

function joinRanges(entries: readonly VlanInfo[]): BridgeVlan[] {
  const vlans: BridgeVlan[] = [];
  const halfRange = (vid: number): DecodeError =>
    new DecodeError(`the range that VLAN ${vid} belongs to has one end only`);
  let first: number | undefined;
  for (const { flags, vid } of entries) {
    if ((flags & BRIDGE_VLAN_INFO.RANGE_BEGIN) !== 0) {
      first = vid;
      continue;
    }
    const isEnd = (flags & BRIDGE_VLAN_INFO.RANGE_END) !== 0;
    if (isEnd !== (first !== undefined)) throw halfRange(vid);
    const pvid = (flags & BRIDGE_VLAN_INFO.PVID) !== 0;
    const untagged = (flags & BRIDGE_VLAN_INFO.UNTAGGED) !== 0;
    vlans.push({ vid: first ?? vid, lastVid: isEnd ? vid : undefined, pvid, untagged });
    first = undefined;
  }
  if (first !== undefined) throw halfRange(first);
  return vlans;
}
