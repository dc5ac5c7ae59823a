// Where the backup of each tuned attachment is, as records: see owned/records.ts. A backup's name does not tell its network.

import type { Attachment } from "../cni/attachment.ts";
import { RecordStore } from "../owned/records.ts";

export interface TuningRecord {
  readonly attachment: Attachment;
  /** The paths of the backup files: several only where the data directory has changed, or the list has two. */
  readonly files: readonly string[];
  /** The path of the container's network namespace, for `bauta gc`; absent where nobody knew it. */
  readonly netns?: string;
}

/** The records. See RecordStore for what each of its functions throws. */
export const records = new RecordStore<TuningRecord>("/run/bauta/tuning", {
  toJson: ({ attachment, files, netns }) => ({ attachment, files, netns }),
  fromJson({ attachment, files, netns }) {
    const isList = Array.isArray(files) && files.every((one) => typeof one === "string");
    if (!isList) return undefined;
    return typeof netns === "string" ? { attachment, files, netns } : { attachment, files };
  },
});
