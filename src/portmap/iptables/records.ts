// What each attachment publishes by iptables, as records: see owned/records.ts. Interfaces of one container share a chain there,
// and only the records tell whose rules are whose.

import { RecordStore } from "../../owned/records.ts";
import { type PortmapRecord, publicationFormat } from "../records.ts";
import type { Marking } from "./rules.ts";

export interface IptablesRecord extends PortmapRecord, Marking {}

/** The records. See RecordStore for what each of its functions throws. */
export const records = new RecordStore<IptablesRecord>("/run/bauta/portmap-iptables", {
  toJson: (record) => {
    const { markBit, externalSetMarkChain } = record;
    return { ...publicationFormat.toJson(record), markBit, externalSetMarkChain };
  },
  fromJson(value) {
    const { markBit, externalSetMarkChain } = value;
    const record = publicationFormat.fromJson(value);
    if (record === undefined || typeof markBit !== "number") return undefined;
    return typeof externalSetMarkChain === "string"
      ? { ...record, markBit, externalSetMarkChain }
      : { ...record, markBit };
  },
});
