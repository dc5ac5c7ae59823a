// What each attachment has under MAC spoof checking, as records: see owned/records.ts.

import type { Attachment } from "../cni/attachment.ts";
import { RecordStore, type StoredRecord } from "../owned/records.ts";
import { formatMac, type Mac, parseMac } from "../wire/mac.ts";

export interface GuardRecord {
  readonly attachment: Attachment;
  /** The name of the node's end of the veth pair. */
  readonly port: string;
  readonly mac: Mac;
  /** The path of the container's network namespace, for `bauta gc`; absent where nobody knew it. */
  readonly netns?: string;
}

/** A record, and the id of its attachment. */
export type StoredGuard = StoredRecord<GuardRecord>;

/** A name that an interface can be matched by: see ifnameKey. */
const PORT = /^[\x21-\x7e]{1,15}$/;

/** The records. See RecordStore for what each of its functions throws. */
export const records = new RecordStore<GuardRecord>("/run/bauta/macspoofchk", {
  toJson: ({ attachment, port, mac, netns }) => ({ attachment, port, mac: formatMac(mac), netns }),
  fromJson({ attachment, port, mac, netns }) {
    const parsed = typeof mac === "string" ? parseMac(mac) : undefined;
    if (typeof port !== "string" || !PORT.test(port) || parsed === undefined) return undefined;
    const known = { attachment, port, mac: parsed };
    return typeof netns === "string" ? { ...known, netns } : known;
  },
});
