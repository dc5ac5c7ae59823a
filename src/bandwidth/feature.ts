// The limits of attachments, the door for plugins and for the command.

import type { Attachment } from "../cni/attachment.ts";
import { runAll } from "../cni/undo.ts";
import { withNode } from "../links/namespaces.ts";
import { deleteLinkIfAny } from "../links/veth.ts";
import { reasonAgainst } from "../owned/commit.ts";
import type { Feature } from "../owned/feature.ts";
import { recorded } from "../owned/recorded.ts";
import { adoptLimits } from "./adopt.ts";
import { limitFaults, removeLimits, setLimits, type Wanted } from "./bandwidth.ts";
import { limitEffects } from "./effects.ts";
import { ifbsOnNode, listLimits } from "./inventory.ts";
import { aliasOf } from "./names.ts";
import { records } from "./records.ts";
import { restoreLimits } from "./restore.ts";
import { tryOutLimits } from "./tried-out.ts";

export const bandwidth: Feature<Wanted> = {
  name: "bandwidth",
  setUp: (attachment, wanted) => void setLimits(attachment, wanted),
  tearDown: (attachment) => removeLimits(attachment),
  faults: limitFaults,
  collect,
  unavailable: (tryOut) => reasonAgainst(() => tryOutLimits(tryOut)),
  restore: restoreLimits,
  inventory: (_nft, network) => listLimits(network),
  ...recorded(records),
  adopt: (_nft, isDryRun) => adoptLimits(isDryRun),
  effects: limitEffects,
  tables: [],
};

/** By the records, and by the marks of ifbs whose records are gone. Upstream's ifbs tell no names, and stay. */
function collect(network: string, valid: readonly Attachment[]): void {
  const aliases = new Set(valid.map(aliasOf));
  runAll([
    ...records.stale(network, valid).map((attachment) => () => removeLimits(attachment)),
    () => {
      const isStale = ({ name, alias }: ReturnType<typeof ifbsOnNode>[number]): boolean =>
        name.network === network && !aliases.has(alias);
      const ifbs = ifbsOnNode().filter(isStale);
      withNode((node) =>
        runAll(
          ifbs.map(
            ({ link }) =>
              () =>
                void deleteLinkIfAny(node, link),
          ),
        ),
      );
    },
  ]);
}
