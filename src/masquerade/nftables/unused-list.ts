// What is remembered of a file that options name, once the last attachment that uses it has gone.

import type { JsonObject } from "../../cni/json.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { getSet } from "../../nftables/set.ts";
import type { Family } from "../../wire/ip.ts";
import { forgetList } from "../options/exclude-file.ts";
import { listKeyOfRecord } from "../options/options.ts";
import { destinationSetName } from "./policy.ts";
import { nfproto, TABLE } from "./table-names.ts";

/** Forgets it where neither family has a set of these options' lists any more. Throws NetlinkError or SyscallError. */
export function forgetListOf(nft: Nftables, recorded: JsonObject | undefined): void {
  if (recorded?.["excludeFile"] === undefined) return;
  const options = { listKey: listKeyOfRecord(recorded) };
  const name = destinationSetName(options);
  const has = (family: Family): boolean =>
    getSet(nft.connection, { family: nfproto(family), table: TABLE, name }) !== undefined;
  forgetList(options, () => has(4) || has(6));
}
