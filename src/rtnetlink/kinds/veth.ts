// IFLA_INFO_DATA of a veth pair (include/uapi/linux/veth.h).

import { attr, attrs } from "../../wire/attrs.ts";
import { bytes, type Codec, type Infer, u32 } from "../../wire/codec.ts";
import { linkName } from "../codecs.ts";
import { ifinfomsg, linkHeader } from "../ifinfomsg.ts";
import { IFLA, VETH_INFO } from "../uapi.ts";

const peerAttributes = attrs({
  mac: attr(IFLA.ADDRESS, bytes),
  name: attr(IFLA.IFNAME, linkName),
  mtu: attr(IFLA.MTU, u32),
  txQueueLength: attr(IFLA.TXQLEN, u32),
  group: attr(IFLA.GROUP, u32),
  netnsFd: attr(IFLA.NET_NS_FD, u32),
});

/** The other end of a pair; it can't be made up in the same step (ENOTCONN). */
export type VethPeer = Infer<typeof peerAttributes> & { readonly index?: number | undefined };

/** VETH_INFO_PEER: a whole link message without its nlmsghdr. */
const vethPeer: Codec<VethPeer> = {
  nested: true,
  encode(peer, out) {
    ifinfomsg.encode(linkHeader({ index: peer.index ?? 0 }), out);
    peerAttributes.encode(peer, out);
  },
  decode(payload) {
    const { index } = ifinfomsg.decode(payload);
    const peer = peerAttributes.decode(payload.subarray(ifinfomsg.size));
    return index === 0 ? peer : { ...peer, index };
  },
};

/** `ip link add … type veth peer …`. The kernel never tells it back: the peer of a veth is its `linkIndex`. */
export const veth = attrs({ peer: attr(VETH_INFO.PEER, vethPeer) });
