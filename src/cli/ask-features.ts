// All features of this node, asked one after the other. Some nodes have iptables-legacy alone: there a feature in nf_tables
// has nothing, and the others answer.

import { FEATURES } from "../features.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { isForWantOfNftables } from "../owned/commit.ts";
import type { Feature } from "../owned/feature.ts";
import type { Output } from "./io.ts";

/**
 * What each feature answers. `nft` is undefined where the kernel has no nf_tables; where no feature has a record there,
 * either, the error that says so is thrown.
 */
export function askFeatures<T>(io: Output, ask: (feature: Feature, nft: Nftables | undefined) => T): T[] {
  try {
    const nft = io.openNftables();
    try {
      return FEATURES.map((feature) => {
        io.doing(feature.name);
        return ask(feature, nft);
      });
    } finally {
      nft.close();
    }
  } catch (error) {
    if (!isForWantOfNftables(error) || FEATURES.every((feature) => feature.records().length === 0)) throw error;
    return FEATURES.map((feature) => ask(feature, undefined));
  }
}
