// The iptables back end: the chains and rules of containernetworking/plugins, for nodes that ask for them.

import { iptablesMissing } from "../../iptables/program.ts";
import { recorded } from "../../owned/recorded.ts";
import type { Backend } from "../backend.ts";
import { iptablesInventory } from "./inventory.ts";
import { collectIptables, iptablesFaults, setUpIptables, tearDownIptables } from "./iptables.ts";
import { iptablesRecords } from "./records.ts";
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
  ...recorded(iptablesRecords, ({ addresses }) => addresses),
  attachmentById: () => undefined, // no element of nf_tables has the id
  tables: [],
};
