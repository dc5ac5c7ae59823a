// MAC spoof checking, the door for plugins and for the command.

import { readComment } from "../owned/comment.ts";
import { reasonAgainst, withNftables, withNftablesIfAny } from "../owned/commit.ts";
import type { Feature, OwnTable } from "../owned/feature.ts";
import { idText } from "../owned/id.ts";
import { recorded } from "../owned/recorded.ts";
import { tryOutOnce, tryOutParts } from "../owned/tried-out.ts";
import { cstring } from "../wire/codec.ts";
import type { GuardedPort } from "./guard.ts";
import { listInventory } from "./inventory.ts";
import { collectGuards, faultsOf, removeGuards, setUpGuard } from "./mac-spoof.ts";
import { records } from "./records.ts";
import { restoreGuards } from "./restore.ts";
import { ALLOWED, ATTACHMENTS, PORT_LENGTH, PORTS, TABLE, table } from "./table.ts";

export const macSpoof: Feature<GuardedPort> = {
  name: "macspoofchk",
  setUp(attachment, wanted, netns) {
    records.write({ attachment, ...wanted, ...(netns === undefined ? {} : { netns }) });
    withNftables((nft) => setUpGuard(nft, attachment, wanted));
  },
  tearDown(attachment, _hints, keep) {
    records.beginRelease(attachment);
    withNftablesIfAny((nft) => removeGuards(nft, attachment), keep);
    records.endRelease(attachment);
  },
  faults: (attachment, wanted) => withNftables((nft) => faultsOf(nft, attachment, wanted)),
  collect(network, valid) {
    const stale = records.stale(network, valid);
    for (const attachment of stale) records.beginRelease(attachment);
    withNftablesIfAny((nft) => collectGuards(nft, network, valid));
    for (const attachment of stale) records.endRelease(attachment);
  },
  unavailable: (tryOut = tryOutOnce) =>
    reasonAgainst(() =>
      withNftables((nft) => {
        if (!table.exists(nft.connection)) tryOutParts(tryOut, nft, "macspoofchk", table.create());
      }),
    ),
  restore: (nft) =>
    nft === undefined ? { attachments: [], restored: 0, mended: [], passedOver: [], problems: [] } : restoreGuards(nft),
  inventory: (nft, network) =>
    nft === undefined ? { attachments: [], faults: [] } : listInventory(nft.connection, network),
  ...recorded(records),
  tables: [ownTable()],
};

/** Elements of one guard are told to belong together by the port. */
function ownTable(): OwnTable {
  const portKey = (bytes: Uint8Array): string => `port ${cstring.decode(bytes.subarray(0, PORT_LENGTH))}`;
  return {
    families: [TABLE.family],
    table: TABLE.name,
    owners: ATTACHMENTS.set,
    nameIn: (comment) => readComment(comment, false),
    keysOf(set, { key, data }) {
      if (set === ATTACHMENTS.set) return [idText(key), ...(data instanceof Uint8Array ? [portKey(data)] : [])];
      return set === PORTS.set || set === ALLOWED.set ? [portKey(key)] : [];
    },
  };
}
