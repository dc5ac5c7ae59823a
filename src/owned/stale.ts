// What `bauta gc` may remove: what attachments own whose containers are provably gone. The proof: the network namespace of
// the attachment's ADD is there no more, no container runtime keeps a result of it, and its record is older than a grace
// period.

import { exists } from "../sys/file.ts";
import type { Feature, OwnedRecord } from "./feature.ts";
import { isCached } from "./runtime-files.ts";

/** A record of an attachment whose container is gone, and the feature that keeps the record. */
export interface Stale {
  readonly feature: Feature;
  readonly record: OwnedRecord;
  /** The path of the network namespace that is gone. */
  readonly netns: string;
}

export interface Sweep {
  readonly stale: readonly Stale[];
  /** How many records do not tell the network namespace, so that nothing can be proved. */
  readonly unknown: number;
}

/** What may be removed; `now` and `grace` are in nanoseconds, `now` since 1970. Throws SyscallError. */
export function findStale(features: readonly Feature[], now: bigint, grace: bigint): Sweep {
  const stale: Stale[] = [];
  let unknown = 0;
  for (const feature of features) {
    for (const record of feature.records()) {
      const { netns } = record;
      if (netns === undefined) unknown++;
      else if (isOld(record, now, grace) && isGone(record, netns)) stale.push({ feature, record, netns });
    }
  }
  return { stale, unknown };
}

function isOld({ written }: OwnedRecord, now: bigint, grace: bigint): boolean {
  const time = written();
  return time !== undefined && now - time >= grace;
}

function isGone({ attachment }: OwnedRecord, netns: string): boolean {
  return !exists(netns) && !isCached(attachment);
}

/** Whether the proof still holds: the attachment may have been made anew since. Throws SyscallError. */
export function isStillStale({ feature, record, netns }: Stale): boolean {
  return feature.recordOf(record.attachment)?.netns === netns && isGone(record, netns);
}
