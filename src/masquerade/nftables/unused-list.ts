// The remembered list of an `excludeFile`, which goes with the last attachment that uses the file.

import type { JsonObject } from "../../cni/json.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { getSet } from "../../nftables/set.ts";
import { nfproto } from "../../nftables/uapi.ts";
import type { Family } from "../../wire/ip.ts";
import { forgetList } from "../options/exclude-file.ts";
import { listKeyOfRecord } from "../options/options.ts";
import { destinationSetName } from "./policy.ts";
import { TABLE } from "./table-names.ts";

/** Forgets the list where neither family has a set of these options' lists any more. Throws NetlinkError or SyscallError. */
export function forgetListOf(nft: Nftables, recorded: JsonObject | undefined): void {
  if (recorded?.["excludeFile"] === undefined) return;
  const options = { listKey: listKeyOfRecord(recorded) };
  const name = destinationSetName(options);
  const has = (family: Family): boolean =>
    getSet(nft.connection, { family: nfproto(family), table: TABLE, name }) !== undefined;
  forgetList(options, () => has(4) || has(6));
}
