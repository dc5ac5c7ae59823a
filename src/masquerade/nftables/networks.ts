// Which policy's chain the packets of a subnet's addresses come to: the map `networks`, whose intervals can't overlap. So
// of policies that share a subnet, or whose subnets lie in one another, only the first has its network there.

import { createElements, deleteElements, type Element, getElement, listElements } from "../../nftables/element.ts";
import { type Interval, intervalElements, intervalsOf, prefixInterval } from "../../nftables/interval.ts";
import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { NFT_VERDICT } from "../../nftables/uapi.ts";
import { hasCode } from "../../sys/error.ts";
import { type Cidr, compareIp, type Family, type Ip } from "../../wire/ip.ts";
import { chainOf } from "./elements.ts";
import { apart, baseOf, goesByNetwork, subnetOf } from "./policy-name.ts";
import { NETWORKS, setIn } from "./table-names.ts";

/** The subnet that is to lead to the chain; undefined for chains that addresses lead to one by one. */
export function networkOfChain(family: Family, chain: string): Cidr | undefined {
  return goesByNetwork(family, chain) ? subnetOf(chain) : undefined;
}

/** Makes the chain's network lead to it; EEXIST where that overlaps with another's. */
export function createNetwork(family: Family, chain: string): Command[] {
  const network = networkOfChain(family, chain);
  if (network === undefined) return [];
  const data = { code: NFT_VERDICT.GOTO, chain };
  return createElements({
    ...setIn(family, NETWORKS),
    elements: intervalElements([{ ...prefixInterval(network), data }]),
  });
}

/** The opposite, for one that is there. */
function deleteNetwork(family: Family, chain: string): Command[] {
  const network = networkOfChain(family, chain);
  if (network === undefined) return [];
  return deleteIntervals(family, [prefixInterval(network)]);
}

/** Deletes networks as they stand in the map. The chains that they lead to are not compared. */
export function deleteIntervals(family: Family, found: readonly Interval[]): Command[] {
  const intervals = found.map(({ first, last }) => ({ first, last }));
  return deleteElements({ ...setIn(family, NETWORKS), elements: intervalElements(intervals) });
}

/**
 * Deletes the network that leads to the chain; undefined where there is none, or more than one. Somebody may have made it
 * larger or smaller: the kernel finds the interval that an address is in, but tells where that ends in a listing only. With
 * `isExact` it is deleted as it is; without, the deletion may fail with ENOENT. Throws NetlinkError.
 */
export function deleteNetworkTo(nft: Nftables, family: Family, chain: string, isExact: boolean): Command[] | undefined {
  if (!isExact && isLedTo(nft, family, chain)) return deleteNetwork(family, chain);
  const leading = Networks.read(nft, family).leadingTo(chain);
  return leading.length === 1 ? deleteIntervals(family, leading) : undefined;
}

/** Whether the network's first address is led to the chain. */
function isLedTo(nft: Nftables, family: Family, chain: string): boolean {
  const network = networkOfChain(family, chain);
  if (network === undefined) return false;
  return chainOf(getElement(nft.connection, setIn(family, NETWORKS), prefixInterval(network).first)) === chain;
}

/** The networks of a family's table: those that are there, and those that have been promised to a policy. */
export class Networks {
  readonly #family: Family;
  // In order, and apart from each other.
  readonly #present: readonly Interval[];
  /** The same, and those that have been promised. */
  readonly #taken: Interval[];

  constructor(family: Family, present: readonly Interval[] = []) {
    this.#family = family;
    this.#present = present;
    this.#taken = [...present];
  }

  /** None where there is no such map. Throws NetlinkError. */
  static read(nft: Nftables, family: Family): Networks {
    return new Networks(family, intervalsOf(elementsOf(nft, family)));
  }

  /**
   * The chain that more addresses of this policy are to go to: that of the network, which this then is the first to have or
   * has already, or the one apart. `chain` is either of them.
   */
  chainFor(chain: string): string {
    const base = baseOf(chain);
    const network = networkOfChain(this.#family, base);
    if (network === undefined) return base;
    const own = prefixInterval(network);
    const count = countUpTo(this.#taken, own.last);
    const other = this.#taken[count - 1];
    if (other === undefined || compareIp(other.last, own.first) < 0) {
      this.#taken.splice(count, 0, { ...own, data: { code: NFT_VERDICT.GOTO, chain: base } });
      return base;
    }
    return isSame(other, { ...own, chain: base }) ? base : apart(base);
  }

  /** The networks that do not lead to the chain of their own policy. Another program has made or changed them. */
  altered(): Interval[] {
    return this.#present.filter(({ first, last, data }) => {
      const chain = data === undefined || data instanceof Uint8Array ? undefined : data.chain;
      const network = chain === undefined ? undefined : networkOfChain(this.#family, chain);
      return (
        network === undefined || !isSame({ first, last, data }, { ...prefixInterval(network), chain: chain ?? "" })
      );
    });
  }

  /** The networks that lead to the chain. */
  leadingTo(chain: string): Interval[] {
    return this.#present.filter(
      ({ data }) => data !== undefined && !(data instanceof Uint8Array) && data.chain === chain,
    );
  }

  /** The networks as they are once the altered ones have been deleted. */
  withoutAltered(): Networks {
    const altered = this.altered();
    return new Networks(
      this.#family,
      this.#present.filter((one) => !altered.some(({ first }) => compareIp(first, one.first) === 0)),
    );
  }

  /** Whether the chain's network leads to it, as it should. */
  has(chain: string): boolean {
    const network = networkOfChain(this.#family, chain);
    if (network === undefined) return false;
    const own = prefixInterval(network);
    const found = this.#present[countUpTo(this.#present, own.first) - 1];
    return found !== undefined && isSame(found, { ...own, chain });
  }
}

/** How many of the intervals begin at this address or before it. */
function countUpTo(intervals: readonly Interval[], ip: Ip): number {
  let [low, high] = [0, intervals.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareIp(intervals[middle]?.first ?? ip, ip) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isSame(
  { first, last, data }: Interval,
  own: { readonly first: Uint8Array; readonly last: Uint8Array; readonly chain: string },
): boolean {
  const isGoto = data !== undefined && !(data instanceof Uint8Array) && data.code === NFT_VERDICT.GOTO;
  return isGoto && data.chain === own.chain && compareIp(first, own.first) === 0 && compareIp(last, own.last) === 0;
}

function elementsOf(nft: Nftables, family: Family): Element[] {
  try {
    return listElements(nft.connection, setIn(family, NETWORKS));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}
