// The limits of attachments, the door for plugins and for the command.

import type { Attachment } from "../cni/attachment.ts";
import { runAll } from "../cni/undo.ts";
import { withNode } from "../links/namespaces.ts";
import { deleteLinkIfAny } from "../links/veth.ts";
import { reasonAgainst } from "../owned/commit.ts";
import type { Feature, OwnedRecord } from "../owned/feature.ts";
import { attachmentId, idText } from "../owned/id.ts";
import { limitFaults, removeLimits, setLimits, type Wanted } from "./bandwidth.ts";
import { ifbsOnNode, listLimits } from "./inventory.ts";
import { aliasOf } from "./names.ts";
import { records, type StoredLimits } from "./records.ts";
import { restoreLimits } from "./restore.ts";
import { tryOutLimits } from "./tried-out.ts";

export const bandwidth: Feature<Wanted> = {
  name: "bandwidth",
  setUp: (attachment, wanted) => void setLimits(attachment, wanted),
  tearDown: (attachment) => removeLimits(attachment),
  faults: limitFaults,
  collect,
  unavailable: () => reasonAgainst(tryOutLimits),
  restore: restoreLimits,
  inventory: (_nft, network) => listLimits(network),
  records: () => records.list().map(ownedRecord),
  recordOf(attachment) {
    const found = records.find(attachment);
    return found === undefined ? undefined : ownedRecord(found);
  },
  attachmentById: (id) => records.byId(id)?.attachment,
  tables: [],
};

function ownedRecord({ id, record: { attachment, netns } }: StoredLimits): OwnedRecord {
  return { attachment, netns, written: () => records.time(id), addresses: [] };
}

/** By the records, and by the marks of ifbs whose records are gone. Upstream's ifbs tell no names, and stay. */
function collect(network: string, valid: readonly Attachment[]): void {
  const ids = new Set(valid.map((attachment) => idText(attachmentId(attachment))));
  const stale = records.list().filter(({ id, record }) => record.attachment.network === network && !ids.has(id));
  const aliases = new Set(valid.map(aliasOf));
  runAll([
    ...stale.map(
      ({ record }) =>
        () =>
          removeLimits(record.attachment),
    ),
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
