// Source based routing of attachments, the door for plugins and for the command.

import { runAll } from "../cni/undo.ts";
import { withNode } from "../links/namespaces.ts";
import { reasonAgainst } from "../owned/commit.ts";
import type { Feature } from "../owned/feature.ts";
import { recorded } from "../owned/recorded.ts";
import { listRules } from "../rtnetlink/rule.ts";
import { addRouting } from "./add.ts";
import { routingFaults } from "./faults.ts";
import { listRouting, restoreRouting } from "./inventory.ts";
import { records } from "./records.ts";
import { removeRouting } from "./remove.ts";
import type { Wanted } from "./wanted.ts";

export const sbr: Feature<Wanted> = {
  name: "sbr",
  setUp: addRouting,
  tearDown: (attachment, hints) => removeRouting(attachment, { sources: hints.map(({ ip }) => ip) }),
  faults: routingFaults,
  collect(network, valid) {
    runAll(records.stale(network, valid).map((attachment) => () => removeRouting(attachment, { sources: [] })));
  },
  unavailable: () => reasonAgainst(() => withNode(listRules)),
  restore: restoreRouting,
  inventory: (_nft, network) => listRouting(network),
  ...recorded(records),
  tables: [],
};
