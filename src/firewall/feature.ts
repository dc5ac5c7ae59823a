// The firewall, the door for the command and for plugins.

import type { Nftables } from "../nftables/nftables.ts";
import type { Feature, OwnTable, Restoration } from "../owned/feature.ts";
import { idText } from "../owned/id.ts";
import { recorded } from "../owned/recorded.ts";
import { formatIp, hostPrefix } from "../wire/ip.ts";
import { adoptProtections } from "./adopt.ts";
import {
  beginProtection,
  collectProtections,
  endProtection,
  protectionFaults,
  protectionUnavailable,
} from "./firewall.ts";
import { listInventory, nameIn } from "./inventory.ts";
import { openPassage, passageFaults, planPassage } from "./passage/passage.ts";
import { records } from "./records.ts";
import { restoreTables } from "./restore.ts";
import { ATTACHMENTS, BRIDGE_TABLE, OWNERS, TABLE } from "./table.ts";
import type { Protection } from "./wanted.ts";

/** What ADD is told: `log` is for what keeps a container's packets from getting through. */
export interface LoggedProtection extends Protection {
  readonly log: (line: string) => void;
}

export const firewall: Feature<LoggedProtection> = {
  name: "firewall",
  setUp: (attachment, { log, ...wanted }, netns) => beginProtection(attachment, wanted, log, netns),
  tearDown: (attachment, hints, keep) => endProtection(attachment, { addresses: hints.map(({ ip }) => ip) }, keep),
  faults: (attachment, wanted) => protectionFaults(attachment, wanted),
  collect: collectProtections,
  unavailable: (tryOut) => protectionUnavailable({ backend: undefined, policy: "open" }, tryOut),
  restore,
  inventory: (nft, network) =>
    nft === undefined ? { attachments: [], faults: [] } : listInventory(nft.connection, network),
  ...recorded(records, ({ addresses }) => addresses.map(hostPrefix)),
  adopt: adoptProtections,
  tables: [ownTable(TABLE.family), ownTable(BRIDGE_TABLE.family)],
};

/** Puts back our tables, and then whatever lets packets through others'. */
function restore(nft: Nftables | undefined): Restoration {
  const done: Restoration =
    nft === undefined ? { attachments: [], restored: 0, mended: [], passedOver: [], problems: [] } : restoreTables(nft);
  const live = records.listLive().map(({ record }) => record);
  if (live.length === 0) return done;
  const passage = planPassage(nft, live);
  const problems: string[] = [];
  let missing = 0;
  try {
    missing = passageFaults(passage).length;
    if (missing > 0) openPassage({ ...passage, obstacles: [] }, (line) => problems.push(line));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    problems.push(error.message);
  }
  return {
    ...done,
    restored: done.restored + missing,
    problems: [...done.problems, ...problems, ...passage.obstacles],
  };
}

function ownTable(family: number): OwnTable {
  return {
    families: [family],
    table: TABLE.name,
    owners: ATTACHMENTS.set,
    nameIn,
    keysOf(set, { key, data }) {
      if (set === ATTACHMENTS.set) return [idText(key)];
      const isOwners = set === OWNERS[4].set || set === OWNERS[6].set;
      return isOwners && data instanceof Uint8Array ? [idText(data), formatIp(key)] : [];
    },
  };
}
