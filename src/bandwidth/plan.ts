// What is to be in the kernel for an attachment's limits, at the link where its packets pass:
//
//   link ── leaves ──▶ root: tbf                                        the way that leaves the node, or the container, there
//   link ── comes in ▶ clsact ingress: filters ──▶ ifb ── root: tbf ──▶ goes on as if it had just come in
//
// Where the limits hold for some subnets only, what leaves is redirected, too (clsact egress), as a tbf makes no difference
// between packets.

import type { Attachment } from "../cni/attachment.ts";
import type { NewFilter } from "../rtnetlink/filter.ts";
import { redirectTo } from "../rtnetlink/tc/mirred.ts";
import type { TokenBucket } from "../rtnetlink/tc/tbf.ts";
import type { Hook } from "../rtnetlink/tc/tcmsg.ts";
import type { U32Key } from "../rtnetlink/tc/u32.ts";
import { ETH_P } from "../rtnetlink/uapi.ts";
import { type Cidr, type Family, familyOf, maskOf, networkOf } from "../wire/ip.ts";
import { acceptedBuckets, bucketOf } from "./bucket.ts";
import type { Limits, Subnets, Way } from "./limits.ts";
import { namesFor } from "./names.ts";

/** Which link it is: the node's end of the container's veth pair, or, where there is no such end, the container's own link. */
export type Side = "node" | "container";

export interface Plan {
  /** The bucket at the root of the link. */
  readonly root: Bucket | undefined;
  readonly redirects: readonly Redirect[];
}

export interface Bucket {
  readonly way: Way;
  /** What is asked for. */
  readonly bucket: TokenBucket;
  /** What the kernel may tell of the bucket. */
  readonly accepted: readonly TokenBucket[];
}

/** A way that is led through an ifb, whose root has the bucket. */
export interface Redirect extends Bucket {
  readonly hook: Hook;
  /** The names that the ifb can have. */
  readonly names: readonly string[];
  /** The filters, once the ifb's index is known. */
  readonly filters: (ifb: number) => readonly NewFilter[];
}

/**
 * Where the filters are, for subnets by their family and for all else: the last priorities that there are, so that what others
 * filter comes first. The hooks have none in common, because a listing of u32 filters would show those of both.
 */
const PLACES = {
  egress: placesFrom(65530),
  ingress: placesFrom(65533),
} as const;

function placesFrom(priority: number) {
  return {
    4: { priority, protocol: ETH_P.IP },
    6: { priority: priority + 1, protocol: ETH_P.IPV6 },
    rest: { priority: priority + 2, protocol: ETH_P.ALL },
  } as const;
}

/** Where filters without an action can be ours: what they take is spared. */
export const SPARING: readonly { readonly priority: number; readonly protocol: number }[] = Object.values(
  PLACES,
).flatMap((places) => [places[4], places[6]]);

export function planOf(attachment: Attachment, limits: Limits, side: Side): Plan {
  const { subnets, latency } = limits;
  const leaving: Way = side === "node" ? "ingress" : "egress";
  const arriving: Way = side === "node" ? "egress" : "ingress";
  const bucket = (way: Way): Bucket | undefined => {
    const limit = limits[way];
    if (limit === undefined) return undefined;
    return { way, bucket: bucketOf(limit, latency), accepted: acceptedBuckets(limit, latency) };
  };
  const redirect = (way: Way, hook: Hook): readonly Redirect[] => {
    const known = bucket(way);
    if (known === undefined) return [];
    const filters = (ifb: number): readonly NewFilter[] => filtersFor(way, hook, subnets, ifb);
    return [{ ...known, hook, names: namesFor(attachment, way), filters }];
  };
  return {
    root: subnets === undefined ? bucket(leaving) : undefined,
    redirects: [...(subnets === undefined ? [] : redirect(leaving, "egress")), ...redirect(arriving, "ingress")],
  };
}

const EVERYTHING: readonly U32Key[] = [{ mask: 0, value: 0, offset: 0 }];

function filtersFor(way: Way, hook: Hook, subnets: Subnets | undefined, ifb: number): readonly NewFilter[] {
  const actions = [redirectTo(ifb)];
  const rest: NewFilter = { hook, ...PLACES[hook].rest, keys: EVERYTHING, actions };
  if (subnets === undefined) return [rest];
  const { isSpared, prefixes } = subnets;
  const named = prefixes.map((prefix): NewFilter => {
    const place = PLACES[hook][familyOf(prefix.ip)];
    return { hook, ...place, keys: keysFor(way, prefix), actions: isSpared ? [] : actions };
  });
  return isSpared ? [...named, rest] : named;
}

/** Where the address of the other side is: the source of what comes to the container, the destination of what it sends. */
const ADDRESS_OFFSET: Readonly<Record<Family, Readonly<Record<Way, number>>>> = {
  4: { ingress: 12, egress: 16 }, // RFC 791
  6: { ingress: 8, egress: 24 }, // RFC 8200
};

function keysFor(way: Way, prefix: Cidr): readonly U32Key[] {
  const family = familyOf(prefix.ip);
  const words = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [network, mask] = [words(networkOf(prefix).ip), words(maskOf(prefix.prefixLength, family))];
  const keys: U32Key[] = [];
  for (let at = 0; at < mask.byteLength && mask.getUint32(at) !== 0; at += 4) {
    keys.push({ mask: mask.getUint32(at), value: network.getUint32(at), offset: ADDRESS_OFFSET[family][way] + at });
  }
  return keys.length === 0 ? EVERYTHING : keys;
}
