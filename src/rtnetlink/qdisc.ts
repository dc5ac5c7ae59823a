// Queueing disciplines, the queues of links: `tc qdisc`.

import type { Connection } from "../netlink/connection.ts";
import { type Message, type Request, request } from "../netlink/message.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { hasCode } from "../sys/error.ts";
import { attr, attrs, decodeVariant, type SubmessageValue } from "../wire/attrs.ts";
import { cstring, encode, pad, u32, u64 } from "../wire/codec.ts";
import { decodeWithin } from "../wire/error.ts";
import { struct } from "../wire/struct.ts";
import { rawNest } from "./codecs.ts";
import { type Device, deviceText } from "./device.ts";
import { type TokenBucket, tbf, tbfOptions, tokenBucketOf } from "./tc/tbf.ts";
import { CLSACT_HANDLE, handleOf, handleText, qdiscMessage } from "./tc/tcmsg.ts";
import { RTM, TC_H, TCA, TCA_STATS } from "./uapi.ts";

/** struct gnet_stats_basic, include/uapi/linux/gen_stats.h: the last four bytes are padding, which some kernels leave out. */
const basicStatistics = struct({ bytes: u64, packets: u32, _pad: pad(4) });

const statistics = attrs({ basic: attr(TCA_STATS.BASIC, basicStatistics) });

/** include/uapi/linux/rtnetlink.h, TCA_* */
const qdiscAttributes = attrs({
  kind: attr(TCA.KIND, cstring),
  options: attr(TCA.OPTIONS, rawNest),
  statistics: attr(TCA.STATS2, statistics),
});

const kinds = { tbf };

/** A queueing discipline as the kernel describes it. */
export interface Qdisc {
  readonly device: Device;
  /** `1:0` as a number; 0 where the kernel chose the discipline by itself. */
  readonly handle: number;
  /** TC_H_ROOT, or the class that it hangs on. */
  readonly parent: number;
  /** `tbf`, `clsact` and so on. */
  readonly kind: string;
  /** What a discipline of the kind tbf does; undefined for other kinds, and for a tbf with a peak rate. */
  readonly bucket: TokenBucket | undefined;
  /** What has passed. */
  readonly bytes: bigint | undefined;
  readonly packets: bigint | undefined;
}

/** Where a discipline can be: what leaves by the link waits in the root; the other, named clsact or ingress, has filters only. */
export type QdiscPlace = "root" | "clsact";

const PLACES = { root: TC_H.ROOT, clsact: TC_H.CLSACT } as const;

/** The handle that the token bucket filters of bandwidth have. */
export const TBF_HANDLE: number = handleOf(1);

/** Like `tc qdisc add dev … root handle 1: tbf …`. Fails with EEXIST where somebody has chosen a root discipline. */
export function addTbf(device: Device, bucket: TokenBucket): Request {
  return tbfRequest("add", NLM_F.CREATE | NLM_F.EXCL, device, bucket);
}

/** Like `tc qdisc change dev … root handle 1: tbf …`: fails with EINVAL where `1:` is of another kind. */
export function changeTbf(device: Device, bucket: TokenBucket): Request {
  return tbfRequest("change", 0, device, bucket);
}

function tbfRequest(verb: string, flags: number, device: Device, bucket: TokenBucket): Request {
  const { rate, limit, buffer, burst } = bucket;
  const size = burst === undefined ? `buffer ${buffer} ticks` : `burst ${burst}`;
  const what = `root handle ${handleText(TBF_HANDLE)} tbf rate ${rate}bps ${size} limit ${limit}`;
  const options = encode(tbf, tbfOptions(bucket));
  return qdiscRequest(RTM.NEWQDISC, flags, () => `qdisc ${verb} dev ${deviceText(device)} ${what}`, device, {
    ...{ place: "root", handle: TBF_HANDLE, kind: "tbf", options },
  });
}

/** Like `tc qdisc add dev … clsact`. Fails with EEXIST where the link has one, or one of the kind ingress. */
export function addClsact(device: Device): Request {
  const flags = NLM_F.CREATE | NLM_F.EXCL;
  const place = { place: "clsact", handle: CLSACT_HANDLE, kind: "clsact" } as const;
  return qdiscRequest(RTM.NEWQDISC, flags, () => `qdisc add dev ${deviceText(device)} clsact`, device, place);
}

/** Like `tc qdisc delete dev … root handle 1: tbf`. Fails with EINVAL or ENOENT where the root is something else. */
export function deleteTbf(device: Device): Request {
  const operation = (): string => `qdisc delete dev ${deviceText(device)} root handle ${handleText(TBF_HANDLE)} tbf`;
  return qdiscRequest(RTM.DELQDISC, 0, operation, device, { place: "root", handle: TBF_HANDLE, kind: "tbf" });
}

/** Like `tc qdisc delete dev … clsact`: its filters go, too. Fails with EINVAL or ENOENT where there is none. */
export function deleteClsact(device: Device): Request {
  const operation = (): string => `qdisc delete dev ${deviceText(device)} clsact`;
  const place = { place: "clsact", handle: CLSACT_HANDLE, kind: "clsact" } as const;
  return qdiscRequest(RTM.DELQDISC, 0, operation, device, place);
}

/**
 * What is in one place of a link; undefined where nothing is, or no such link. A `tc qdisc show` would have the kernel list
 * the disciplines of all links.
 */
export function getQdisc(connection: Connection, device: Device, place: QdiscPlace): Qdisc | undefined {
  const operation = (): string => `qdisc show dev ${deviceText(device)} ${place}`;
  // The kernel tells what is asked for as a notification, which the one who asks hears with ECHO only.
  const question = qdiscRequest(RTM.GETQDISC, NLM_F.ECHO, operation, device, { place });
  try {
    return connection.execute(question).map(decodeQdisc).at(0);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENODEV")) return undefined;
    throw error;
  }
}

/** A queueing discipline from an RTM_NEWQDISC or RTM_DELQDISC, answered or heard. Throws DecodeError. */
export function decodeQdisc({ payload }: Message): Qdisc {
  return decodeWithin("qdisc", () => {
    const { index, handle, parent } = qdiscMessage.decode(payload);
    const { kind = "", options, statistics: found } = qdiscAttributes.decode(payload.subarray(qdiscMessage.size));
    const known: SubmessageValue<typeof kinds> = decodeVariant(kinds, kind, options);
    const bucket = known.kind === "tbf" && !("name" in known) ? tokenBucketOf(known) : undefined;
    const { bytes, packets } = found?.basic ?? {};
    const count = packets === undefined ? undefined : BigInt(packets);
    return { device: { index }, handle, parent, kind, bucket, bytes, packets: count };
  });
}

interface QdiscFields {
  readonly place: QdiscPlace;
  readonly handle?: number;
  readonly kind?: string;
  readonly options?: Uint8Array;
}

function qdiscRequest(
  type: number,
  flags: number,
  operation: () => string,
  { index }: Device,
  { place, handle = 0, kind, options }: QdiscFields,
): Request {
  const header = { family: 0, index, handle, parent: PLACES[place], info: 0 };
  return request(type, flags, operation, [qdiscMessage, header], [qdiscAttributes, { kind, options }]);
}
