// Sockets to nf_tables, and when to close them.

import { Nftables } from "../nftables/batch.ts";

/** Opens a socket for `use`, and closes it, unless someone keeps it open longer: see closingLast. */
export function withNftables<T>(use: (nft: Nftables) => T, keep?: Keep): T {
  const nft = Nftables.open();
  try {
    return use(nft);
  } finally {
    if (keep === undefined) nft.close();
    else keep(nft);
  }
}

/** Takes over the closing of a socket. */
export type Keep = (nft: Nftables) => void;

/**
 * Runs `work` and closes the sockets that it has given to `keep` when all of it is done. A socket that has deleted
 * something waits, when it is closed, until the kernel has freed that: a grace period, 16 ms at HZ=250. Deleting a link
 * takes such a wait too, so the two should pass together.
 */
export function closingLast<T>(work: (keep: Keep) => T): T {
  const kept: Nftables[] = [];
  try {
    return work((nft) => kept.push(nft));
  } finally {
    for (const nft of kept) nft.close();
  }
}
