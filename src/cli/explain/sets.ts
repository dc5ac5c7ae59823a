// The sets and maps that rules look into, as they are in the kernel now.

import type { Data } from "../../nftables/data.ts";
import { getElement, listElements } from "../../nftables/element.ts";
import { intervalsOf } from "../../nftables/interval.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { getSet, type NftSet } from "../../nftables/set.ts";
import { NFT_SET } from "../../nftables/uapi.ts";
import { compareIp } from "../../wire/ip.ts";

/** The element that has a key. */
export interface FoundElement {
  readonly set: string;
  /** The keys that it stands for; the same where it stands for one only. */
  readonly first: Uint8Array;
  readonly last: Uint8Array;
  readonly data: Data | undefined;
}

/** Looks keys up in the sets of a table. */
export interface Sets {
  /** Bytes of a key; 0 where there is no such set. */
  keyLength(set: string): number;
  find(set: string, key: Uint8Array): FoundElement | undefined;
}

/** The sets of one table in the kernel. Their methods throw NetlinkError. */
export function kernelSets(nft: Nftables, family: number, table: string): Sets {
  const known = new Map<string, NftSet | undefined>();
  const setNamed = (name: string): NftSet | undefined => {
    if (!known.has(name)) known.set(name, getSet(nft.connection, { family, table, name }));
    return known.get(name);
  };
  return {
    keyLength: (set) => setNamed(set)?.keyLength ?? 0,
    find(set, key) {
      const where = { family, table, set };
      if (((setNamed(set)?.flags ?? 0) & NFT_SET.INTERVAL) === 0) {
        const element = getElement(nft.connection, where, key);
        return element === undefined ? undefined : { set, first: key, last: key, data: element.data };
      }
      const hit = intervalsOf(listElements(nft.connection, where)).find(
        ({ first, last }) => compareIp(first, key) <= 0 && compareIp(key, last) <= 0,
      );
      return hit === undefined ? undefined : { set, first: hit.first, last: hit.last, data: hit.data };
    },
  };
}
