// Nodes that have iptables-legacy alone: there the command has only the records of the iptables back end to look after.

import { listIptablesRecords } from "../masquerade/iptables/records.ts";
import type { Nftables } from "../nftables/batch.ts";
import { isForWantOfNftables } from "../owned/commit.ts";
import type { CliIo } from "./io.ts";

/**
 * Opens nf_tables for `ask`. Returns undefined where the kernel has none and there are attachments under iptables; throws
 * where there are none of those, either.
 */
export function askNftables<T>(io: CliIo, ask: (nft: Nftables) => T): T | undefined {
  try {
    const nft = io.openNftables();
    try {
      return ask(nft);
    } finally {
      nft.close();
    }
  } catch (error) {
    if (isForWantOfNftables(error) && listIptablesRecords().length > 0) return undefined;
    throw error;
  }
}
