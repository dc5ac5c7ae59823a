// What each attachment has in iptables, as records: see owned/records.ts. Two interfaces of one container share a chain there,
// and only the records tell whose address is whose.

import type { Attachment } from "../../cni/attachment.ts";
import { RecordStore } from "../../owned/records.ts";
import { type Cidr, formatCidr, parseCidr } from "../../wire/ip.ts";

/** Where the records are. */
export const IPTABLES_RECORDS = "/run/bauta/iptables";

export interface IptablesRecord {
  readonly attachment: Attachment;
  readonly addresses: readonly Cidr[];
  /** The path of the container's network namespace, for `bauta gc`; absent where the ADD did not know it. */
  readonly netns?: string;
}

/** The records. See RecordStore for what each of its functions throws. */
export const iptablesRecords = new RecordStore<IptablesRecord>(IPTABLES_RECORDS, {
  toJson: ({ attachment, addresses, netns }) => ({ attachment, addresses: addresses.map(formatCidr), netns }),
  fromJson({ attachment, addresses, netns }) {
    if (!Array.isArray(addresses)) return undefined;
    const known = { attachment, addresses: addresses.flatMap((one: unknown) => cidrIn(one) ?? []) };
    return typeof netns === "string" ? { ...known, netns } : known;
  },
});

function cidrIn(value: unknown): Cidr | undefined {
  return typeof value === "string" ? parseCidr(value) : undefined;
}
