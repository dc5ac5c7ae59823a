// What each attachment has under masquerade, as records: see owned/records.ts.

import type { Attachment } from "../../cni/attachment.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../cni/json.ts";
import { hasTexts, RecordStore, type StoredRecord, type WrittenRecord } from "../../owned/records.ts";

/** Where the records are. On every distribution that runs containers /run is a tmpfs. */
export const RECORDS = "/run/bauta/masquerade";

/** One address under masquerade. */
export interface RecordedAddress {
  /** With its prefix length: `10.22.0.5/16`. */
  readonly cidr: string;
  /** The policy chain that it goes to. */
  readonly policy: string;
  /** Whether its invalid packets are dropped; absent where not. */
  readonly isStrict?: boolean;
}

/** An address that this attachment has taken from another. The address goes back if the displaced owner outlives this one. */
export interface DisplacedAddress extends RecordedAddress {
  /** The attachment's id, 32 hexadecimal digits: its record bears that name while it lives. */
  readonly owner: string;
}

export interface MasqueradeRecord {
  readonly attachment: Attachment;
  readonly addresses: readonly RecordedAddress[];
  /** The path of the container's network namespace, for `bauta gc`; absent where the ADD did not know it. */
  readonly netns?: string;
  /** The latest owner first. */
  readonly displaced: readonly DisplacedAddress[];
  /** The "ipMasqOptions" in force; absent where there were none. Last, for those who read them once for many records. */
  readonly options?: JsonObject;
}

/** A record, and the id of its attachment. */
export type LiveRecord = StoredRecord<MasqueradeRecord>;

/** The records. See RecordStore for what each of its functions throws. */
export const records = new RecordStore<MasqueradeRecord>(RECORDS, {
  toJson({ options, ...record }) {
    return options === undefined ? record : { ...record, options }; // last: see recordReader
  },
  fromJson: (value) => (isRecord(value) ? value : undefined),
  reader: recordReader,
});

function isRecord(value: WrittenRecord): value is WrittenRecord & MasqueradeRecord {
  const { addresses, displaced } = value;
  if (!Array.isArray(addresses) || !Array.isArray(displaced)) return false;
  return (
    addresses.every((one: unknown) => hasTexts(one, ["cidr", "policy"])) &&
    displaced.every((one: unknown) => hasTexts(one, ["cidr", "policy", "owner"]))
  );
}

const OPTIONS = ',"options":';

/** Many attachments have the same options, and those are most of their records: each text is read once. */
function recordReader(): (text: string) => unknown {
  const known = new Map<string, JsonObject>();
  const optionsIn = (text: string): JsonObject => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const options: JsonValue = JSON.parse(text);
    if (!isJsonObject(options)) throw new SyntaxError("options are no object");
    known.set(text, options);
    return options;
  };
  return (text) => {
    // A quote inside a string has a backslash before it, so this is a key; where it is not the last, the rest is no JSON.
    const at = text.indexOf(OPTIONS);
    if (at < 0) return JSON.parse(text);
    const record: unknown = JSON.parse(`${text.slice(0, at)}}`);
    const options = optionsIn(text.slice(at + OPTIONS.length, text.lastIndexOf("}")));
    return typeof record === "object" ? { ...record, options } : undefined;
  };
}
