// Published ports by iptables, the door for plugins and for the command.

import { iptablesMissing } from "../../iptables/program.ts";
import type { Feature } from "../../owned/feature.ts";
import { recorded } from "../../owned/recorded.ts";
import { iptablesInventory } from "./inventory.ts";
import { collectIptables, iptablesFaults, setUpIptables, tearDownIptables } from "./iptables.ts";
import { records } from "./records.ts";
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
  ...recorded(records),
  attachmentById: () => undefined, // no element of nf_tables has the id
  tables: [],
};
