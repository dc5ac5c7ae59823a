// What a feature tells of its records, the same for all that keep them in a RecordStore.

import type { Cidr } from "../wire/ip.ts";
import type { Feature, OwnedRecord } from "./feature.ts";
import type { BaseRecord, RecordStore, StoredRecord } from "./records.ts";

/**
 * The parts of a feature that only look into its records. `addressesOf` is what a record tells of addresses: nothing where the
 * feature owns none, or where another feature tells of them.
 */
export function recorded<T extends BaseRecord>(
  store: RecordStore<T>,
  addressesOf: (record: T) => readonly Cidr[] = () => [],
): Pick<Feature, "records" | "recordOf" | "attachmentById"> {
  const owned = ({ id, record }: StoredRecord<T>): OwnedRecord => {
    const { attachment, netns } = record;
    return { attachment, netns, written: () => store.time(id), addresses: addressesOf(record) };
  };
  return {
    records: () => store.list().map(owned),
    recordOf(attachment) {
      const found = store.find(attachment);
      return found === undefined ? undefined : owned(found);
    },
    attachmentById: (id) => store.byId(id)?.attachment,
  };
}
