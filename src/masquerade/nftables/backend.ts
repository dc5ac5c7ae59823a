// The nftables back end: two private tables, ip and ip6 bauta_masquerade. docs/adr/0002-masquerade.md tells how they work.

import { nfproto } from "../../nftables/uapi.ts";
import { readComment } from "../../owned/comment.ts";
import type { OwnTable } from "../../owned/feature.ts";
import { idText } from "../../owned/id.ts";
import { recorded } from "../../owned/recorded.ts";
import { formatIp, parseCidr } from "../../wire/ip.ts";
import type { Backend } from "../backend.ts";
import { adopt } from "../upstream/adopt.ts";
import { takeInventory } from "./inventory.ts";
import {
  collectMasquerade,
  masqueradeFaults,
  masqueradeUnavailable,
  setUpMasquerade,
  tearDownMasquerade,
} from "./nftables.ts";
import { records } from "./records.ts";
import { restore } from "./restore.ts";
import { ADDRESS_SETS, OWNERS, TABLE } from "./table-names.ts";

/** The address is known by itself, too: only the elements of `owners` carry the id. */
const table: OwnTable = {
  families: [nfproto(4), nfproto(6)],
  table: TABLE,
  owners: OWNERS,
  nameIn: readComment,
  keysOf(set, { key, data }) {
    const address = `address ${formatIp(key)}`;
    if (set === OWNERS) return data instanceof Uint8Array ? [idText(data), address] : [];
    return ADDRESS_SETS.includes(set) ? [address] : [];
  },
};

export const nftables: Backend = {
  name: "ipMasq",
  backend: "nftables",
  takesOptions: true,
  setUp: (attachment, { addresses, options }, netns) => setUpMasquerade(attachment, addresses, options, netns),
  tearDown: tearDownMasquerade,
  faults: (attachment, { addresses, options }) => masqueradeFaults(attachment, addresses, options),
  collect: collectMasquerade,
  unavailable: masqueradeUnavailable,
  restore: (nft) =>
    nft === undefined ? { attachments: [], restored: 0, mended: [], passedOver: [], problems: [] } : restore(nft),
  inventory: (nft, network) => (nft === undefined ? { attachments: [], faults: [] } : takeInventory(nft, network)),
  ...recorded(records, ({ addresses }) => addresses.flatMap(({ cidr }) => parseCidr(cidr) ?? [])),
  adopt,
  tables: [table],
};
