// What `bauta gc` may remove: what attachments own whose containers are provably gone. The proof: the network namespace of
// the attachment's ADD is there no more, no container runtime keeps a result of it, and its record is older than a grace
// period.

import type { Attachment } from "../cni/attachment.ts";
import { exists } from "../sys/file.ts";
import type { Feature, OwnedRecord } from "./feature.ts";
import { attachmentId, idText } from "./id.ts";
import { isCached } from "./runtime-files.ts";

/** An attachment whose container is gone. */
export interface Stale {
  readonly attachment: Attachment;
  /** The path of the network namespace that is gone. */
  readonly netns: string;
  /** What it owns: a record for each feature that keeps one. */
  readonly owned: readonly Owned[];
}

export interface Owned {
  readonly feature: Feature;
  readonly record: OwnedRecord;
}

export interface Sweep {
  readonly stale: readonly Stale[];
  /** Of how many attachments no record tells the network namespace, so that nothing can be proved. */
  readonly unknown: number;
}

/** What may be removed; `now` and `grace` are in nanoseconds, `now` since 1970. Throws SyscallError. */
export function findStale(features: readonly Feature[], now: bigint, grace: bigint): Sweep {
  const stale = new Map<string, Stale>();
  const [known, unknown] = [new Set<string>(), new Set<string>()];
  for (const feature of features) {
    for (const record of feature.records()) {
      const { attachment, netns } = record;
      const id = idText(attachmentId(attachment));
      (netns === undefined ? unknown : known).add(id);
      if (netns === undefined || !isOld(record, now, grace) || !isGone(record, netns)) continue;
      const owned = [...(stale.get(id)?.owned ?? []), { feature, record }];
      stale.set(id, { attachment, netns, owned });
    }
  }
  return { stale: [...stale.values()], unknown: [...unknown].filter((id) => !known.has(id)).length };
}

function isOld({ written }: OwnedRecord, now: bigint, grace: bigint): boolean {
  const time = written();
  return time !== undefined && now - time >= grace;
}

function isGone({ attachment }: OwnedRecord, netns: string): boolean {
  return !exists(netns) && !isCached(attachment);
}

/** Of what an attachment owned, that for which the proof still holds: it may have been made anew since. Throws SyscallError. */
export function stillStale({ attachment, netns, owned }: Stale): readonly Owned[] {
  return owned.filter(({ feature, record }) => {
    return feature.recordOf(attachment)?.netns === record.netns && isGone(record, netns);
  });
}
