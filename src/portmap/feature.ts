// Published ports by nftables, the door for plugins and for the command. table.ts has the picture.

import type { Attachment } from "../cni/attachment.ts";
import { nfproto } from "../nftables/uapi.ts";
import { readComment } from "../owned/comment.ts";
import { reasonAgainst, withNftables, withNftablesIfAny } from "../owned/commit.ts";
import type { Feature, OwnTable } from "../owned/feature.ts";
import { idText } from "../owned/id.ts";
import { recorded } from "../owned/recorded.ts";
import { tryOutOnce, tryOutParts } from "../owned/tried-out.ts";
import { IFNAMSIZ } from "../wire/ifname.ts";
import { FAMILIES, formatIp } from "../wire/ip.ts";
import { faultsOf } from "./check.ts";
import { endFlowsElsewhere, endFlowsToContainer } from "./flows.ts";
import { heldByRules } from "./held.ts";
import { listInventory } from "./inventory.ts";
import type { Publication, Wanted } from "./mapping.ts";
import { publish, type Taken } from "./publish.ts";
import { records } from "./records.ts";
import { restorePorts } from "./restore.ts";
import { TABLES } from "./table.ts";
import { ADDRESSES, COUNTED, EVERYONE, OWNERS, PAIRS, PORTS, RETURNING, TABLE } from "./table-names.ts";
import { withoutTaken } from "./taken.ts";
import { adoptPorts } from "./upstream/adopt.ts";
import { removeUpstreamPorts } from "./upstream/remove.ts";
import { staleIds, withdraw, withdrawByIds } from "./withdraw.ts";

export const portmap: Feature<Wanted> = {
  name: "portmap",
  setUp(attachment, { olderWins, ...publication }, netns) {
    const note = (left: Publication): Publication => {
      records.write({ attachment, ...left, ...(netns === undefined ? {} : { netns }) });
      return left;
    };
    const without = (all: Publication, taken: readonly Taken[]): Publication =>
      note({ ...all, mappings: withoutTaken({ ...all, olderWins }, taken) });
    note(publication);
    withNftables((nft) => {
      const held = heldByRules(nft, attachment, publication);
      const free = held.length === 0 ? publication : without(publication, held);
      let noted = free;
      const published = publish(nft, attachment, free, (taken) => {
        noted = without(free, taken);
        return noted;
      });
      // A port that another attachment had may have become free before the others were published.
      if (published !== noted) note(published);
      endFlowsElsewhere(nft.connection, published);
    });
  },
  tearDown(attachment, hints, keep) {
    const begun = records.beginRelease(attachment);
    const known = begun === "illegible" ? undefined : begun;
    withNftablesIfAny((nft) => {
      withdraw(nft, attachment, known);
      if (known !== undefined) endFlowsToContainer(nft.connection, known);
      removeUpstreamPorts(
        nft,
        attachment,
        [...hints, ...(known?.containers ?? [])].map(({ ip }) => ip),
      );
    }, keep);
    records.endRelease(attachment);
  },
  faults: (attachment, wanted) =>
    withNftables((nft) => faultsOf(nft, attachment, recordedIfOlderWins(attachment, wanted))),
  collect(network, valid) {
    for (const attachment of records.stale(network, valid)) portmap.tearDown(attachment, []);
    withNftablesIfAny((nft) => {
      const ids = staleIds(nft, network, valid);
      if (ids.size > 0) withdrawByIds(nft, ids);
    });
  },
  unavailable: (tryOut = tryOutOnce) =>
    reasonAgainst(() =>
      withNftables((nft) => {
        for (const family of FAMILIES) {
          if (!TABLES[family].exists(nft.connection))
            tryOutParts(tryOut, nft, `portmap-${family}`, TABLES[family].create());
        }
      }),
    ),
  restore: (nft) =>
    nft === undefined ? { attachments: [], restored: 0, mended: [], passedOver: [], problems: [] } : restorePorts(nft),
  inventory: (nft, network) =>
    nft === undefined ? { attachments: [], faults: [] } : listInventory(nft.connection, network),
  ...recorded(records),
  adopt: adoptPorts,
  tables: [ownTable()],
};

/** Where the older attachment wins, the record tells what was left for this one. */
function recordedIfOlderWins(attachment: Attachment, wanted: Wanted): Omit<Wanted, "olderWins"> {
  const record = wanted.olderWins === undefined ? undefined : records.read(attachment);
  return record === undefined ? wanted : { ...wanted, mappings: record.mappings };
}

/** Elements of one attachment are told to belong together by the container's address. */
function ownTable(): OwnTable {
  return {
    families: FAMILIES.map(nfproto),
    table: TABLE,
    owners: OWNERS,
    nameIn: (comment) => readComment(comment, false),
    keysOf(set, { key, data }) {
      const [target] = data instanceof Uint8Array ? [data] : [];
      const of = (ip: Uint8Array): string[] =>
        ip.length === 4 || ip.length === 16 ? [`container ${formatIp(ip)}`] : [];
      // A port stands behind an address, so the length of what is mapped to tells the family.
      const size = target !== undefined && target.length >= 16 ? 16 : 4;
      switch (set) {
        case OWNERS:
          return [idText(key), ...(target === undefined ? [] : of(target))];
        case COUNTED:
          return [idText(key)];
        case ADDRESSES:
        case PORTS:
          return target === undefined ? [] : of(target.slice(0, size));
        case RETURNING:
          return of(key.slice(IFNAMSIZ));
        case PAIRS:
          return of(key.slice(key.length / 2));
        case EVERYONE:
          return of(key);
        default:
          return [];
      }
    },
  };
}
