// RTA_MULTIPATH: the next hops of a route that has several. Each is a struct rtnexthop, which has its own length, and
// attributes.

import { attr, attrs, type RawAttribute } from "../wire/attrs.ts";
import { type Codec, s32, u8, u16 } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import type { Ip } from "../wire/ip.ts";
import { struct } from "../wire/struct.ts";
import { Writer } from "../wire/writer.ts";
import { ip } from "./codecs.ts";
import type { Device } from "./device.ts";
import { RTA, RTNH_F } from "./uapi.ts";

/** struct rtnexthop, include/uapi/linux/rtnetlink.h. Its length covers its attributes, too. */
const rtnexthop = struct({ length: u16, flags: u8, hops: u8, index: s32 });

const hopAttributes = attrs({ gateway: attr(RTA.GATEWAY, ip) });

/** One of several ways that a route can take. */
export interface NextHop {
  readonly device: Device;
  readonly gateway?: Ip | undefined;
  /** How much more often than others it is taken: 1 and up. */
  readonly weight: number;
  /** Take the gateway as reachable through the device though no address of ours is in its subnet. */
  readonly onlink: boolean;
  /** What else the kernel tells of it. */
  readonly rest?: readonly RawAttribute[] | undefined;
}

export const nextHops: Codec<readonly NextHop[]> = {
  encode(hops, out) {
    for (const { device, gateway, weight, onlink, rest } of hops) {
      const own = new Writer(64);
      hopAttributes.encode({ gateway, unknown: rest }, own);
      const attributes = own.bytes();
      const flags = onlink ? RTNH_F.ONLINK : 0;
      rtnexthop.encode(
        { length: rtnexthop.size + attributes.length, flags, hops: weight - 1, index: device.index },
        out,
      );
      out.raw(attributes);
    }
  },
  decode(bytes) {
    const hops: NextHop[] = [];
    for (let rest = bytes; rest.length > 0; ) {
      const { length, flags, hops: more, index } = rtnexthop.decode(rest);
      if (length < rtnexthop.size || length > rest.length) throw new DecodeError(`a next hop of ${length} bytes`);
      const { gateway, unknown } = hopAttributes.decode(rest.subarray(rtnexthop.size, length));
      const onlink = (flags & RTNH_F.ONLINK) !== 0;
      hops.push({ device: { index }, gateway, weight: more + 1, onlink, rest: unknown });
      rest = rest.subarray((length + 3) & ~3); // RTNH_ALIGN
    }
    return hops;
  },
};
