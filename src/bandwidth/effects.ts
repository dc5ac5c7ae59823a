// `bauta explain`: what an attachment's limits do to a packet, by its record and by the kernel's queueing disciplines.

import type { Attachment } from "../cni/attachment.ts";
import { deviceText } from "../rtnetlink/device.ts";
import { getQdisc } from "../rtnetlink/qdisc.ts";
import { contains, formatIp, type Ip } from "../wire/ip.ts";
import { faultsOf } from "./faults.ts";
import { queuedAt, rateText } from "./inventory.ts";
import type { Subnets, Way } from "./limits.ts";
import { aliasOf } from "./names.ts";
import { planOf } from "./plan.ts";
import { records } from "./records.ts";
import { withRecorded } from "./target.ts";

const BITS = 8n;

/**
 * What there is to say of one way of an attachment's packets, where `peer` is the address of the other side: phrases, none where the
 * way has no limit. Throws NetlinkError or SyscallError.
 */
export function limitEffects(attachment: Attachment, way: Way, peer: Ip): string[] {
  const record = records.read(attachment);
  const limit = record?.limits[way];
  if (record === undefined || limit === undefined) return [];
  const { limits } = record;
  const sparing = limits.subnets && sparingKey(limits.subnets, peer);
  if (sparing !== undefined) return [`bandwidth has no limit for ${formatIp(peer)} (${sparing})`];
  const what = way === "egress" ? "what it sends" : "what it receives";
  const found = withRecorded(record, ({ connection, link, side }) => {
    const plan = planOf(attachment, limits, side);
    const faults = faultsOf(connection, link, plan, aliasOf(attachment)).filter((fault) => fault.way === way);
    if (faults.length > 0) return { problem: faults.map(({ text }) => text).join("; ") };
    const device = queuedAt(connection, link, plan, way) ?? link;
    const bucket = getQdisc(connection, device, "root")?.bucket;
    const rate = bucket === undefined ? limit.rate : Number(bucket.rate * BITS);
    return {
      rate: `${rateText(rate)}, after a burst of ${rateText(limit.burst)}, by the tbf of ${deviceText(device)}`,
    };
  });
  if (found?.rate !== undefined) return [`bandwidth limits ${what} to ${found.rate}`];
  const problem = found?.problem ?? `the link ${record.link.name} is gone`;
  return [`bandwidth is to limit ${what} to ${rateText(limit.rate)}, but does not: ${problem}`];
}

/** The key by which a peer's packets have no limit; undefined where they have one. */
function sparingKey({ isSpared, prefixes }: Subnets, peer: Ip): string | undefined {
  const isNamed = prefixes.some((prefix) => contains(prefix, peer));
  if (isNamed !== isSpared) return undefined;
  return isSpared ? "unshapedSubnets" : "shapedSubnets";
}
