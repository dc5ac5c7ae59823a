// Published ports by iptables, the door for plugins and for the command.

import { iptablesMissing } from "../../iptables/program.ts";
import type { Feature, OwnedRecord } from "../../owned/feature.ts";
import type { StoredRecord } from "../../owned/records.ts";
import { iptablesInventory } from "./inventory.ts";
import { collectIptables, iptablesFaults, setUpIptables, tearDownIptables } from "./iptables.ts";
import { type IptablesRecord, records } from "./records.ts";
import { restoreIptablesPorts } from "./restore.ts";
import type { IptablesWanted } from "./rules.ts";

export const portmapIptables: Feature<IptablesWanted> = {
  name: "portmap",
  setUp: setUpIptables,
  tearDown: (attachment, _hints, keep) => tearDownIptables(attachment, keep),
  faults: iptablesFaults,
  collect: collectIptables,
  unavailable: iptablesMissing,
  restore: restoreIptablesPorts,
  inventory: (_, network) => iptablesInventory(network),
  // A removal may have failed half-way, for want of iptables' programs.
  records: () => records.list().map(ownedRecord),
  recordOf(attachment) {
    const found = records.find(attachment);
    return found === undefined ? undefined : ownedRecord(found);
  },
  attachmentById: () => undefined, // no element of nf_tables has the id
  tables: [],
};

function ownedRecord({ id, record: { attachment, netns } }: StoredRecord<IptablesRecord>): OwnedRecord {
  return { attachment, netns, written: () => records.time(id), addresses: [] };
}
