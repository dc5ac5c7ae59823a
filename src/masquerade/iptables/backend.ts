// The iptables back end: the chains and rules of containernetworking/plugins, for nodes that ask for them.

import { iptablesMissing } from "../../iptables/program.ts";
import type { OwnedRecord } from "../../owned/feature.ts";
import type { StoredRecord } from "../../owned/records.ts";
import type { Backend } from "../backend.ts";
import { iptablesInventory } from "./inventory.ts";
import { collectIptables, iptablesFaults, setUpIptables, tearDownIptables } from "./iptables.ts";
import { type IptablesRecord, iptablesRecords } from "./records.ts";
import { restoreIptables } from "./restore.ts";

export const iptables: Backend = {
  name: "ipMasq",
  backend: "iptables",
  takesOptions: false,
  setUp: (attachment, { addresses }, netns) => setUpIptables(attachment, addresses, netns),
  tearDown: tearDownIptables,
  faults: (attachment, { addresses }) => iptablesFaults(attachment, addresses),
  collect: collectIptables,
  unavailable: iptablesMissing,
  restore: restoreIptables,
  inventory: (_, network) => iptablesInventory(network),
  // A removal may have failed half-way, for want of iptables' programs.
  records: () => iptablesRecords.list().map(ownedRecord),
  recordOf(attachment) {
    const found = iptablesRecords.find(attachment);
    return found === undefined ? undefined : ownedRecord(found);
  },
  attachmentById: () => undefined, // no element of nf_tables has the id
  tables: [],
};

function ownedRecord({ id, record: { attachment, addresses, netns } }: StoredRecord<IptablesRecord>): OwnedRecord {
  return { attachment, addresses, netns, written: () => iptablesRecords.time(id) };
}
