// Gives out addresses in turn, so that one that has been given back rests as long as the others last.

import { compareIp, formatIp, type Ip, offsetIp } from "../wire/ip.ts";
import { formatSet, type Range, type RangeSet, rangeContains, rangeFor } from "./range.ts";
import type { Holder, Store } from "./store.ts";

/** An address that has been taken, and the range it came from. */
export interface Allocation {
  readonly ip: Ip;
  readonly range: Range;
}

/** There is no address to be had. The messages are those that people know from upstream, and search logs for. */
export class AllocationError extends Error {
  override readonly name: string = "AllocationError";
}

/**
 * Takes one address of each range set, the requested one where a set contains it. Throws AllocationError, or what the
 * store throws; no address is taken then.
 */
export function allocate(
  store: Store,
  sets: readonly RangeSet[],
  holder: Holder,
  requested: readonly Ip[],
): readonly Allocation[] {
  const open = new Map(requested.map((ip) => [formatIp(ip), ip]));
  const held = store.addressesOf(holder);
  const taken: Allocation[] = [];
  try {
    sets.forEach((set, number) => {
      const wanted = [...open.values()].find((ip) => rangeFor(set, ip) !== undefined);
      if (wanted !== undefined) open.delete(formatIp(wanted));
      taken.push(within(number, () => allocateOne(store, set, number, holder, held, wanted)));
    });
    if (open.size > 0) throw new AllocationError(`failed to allocate all requested IPs: ${[...open.keys()].join(" ")}`);
    taken.forEach(({ ip }, number) => {
      store.setLastReserved(number, ip);
    });
    return taken;
  } catch (error) {
    const errors = [error, ...giveBack(store, taken, holder)];
    throw errors.length === 1
      ? error
      : new AggregateError(errors, "cannot give back what was allocated", { cause: error });
  }
}

/** Returns the errors of what could not be given back. */
function giveBack(store: Store, taken: readonly Allocation[], holder: Holder): readonly unknown[] {
  return taken.flatMap(({ ip }) => {
    try {
      store.release(ip, holder);
      return [];
    } catch (error) {
      return [error];
    }
  });
}

function within<T>(number: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    // The same error, not one that wraps it: what is told of a chain is all its messages.
    if (error instanceof AllocationError) error.message = `failed to allocate for range ${number}: ${error.message}`;
    throw error;
  }
}

function allocateOne(
  store: Store,
  set: RangeSet,
  number: number,
  holder: Holder,
  held: readonly Ip[],
  wanted: Ip | undefined,
): Allocation {
  const own = held.find((ip) => rangeFor(set, ip) !== undefined);
  if (own !== undefined) {
    const what = `${formatIp(own)} has been allocated to ${holder.containerId}`;
    throw new AllocationError(`${what}, duplicate allocation is not allowed`);
  }
  const found = wanted === undefined ? takeNext(store, set, number, holder) : takeWanted(store, set, holder, wanted);
  if (found === undefined) throw new AllocationError(`no IP addresses available in range set: ${formatSet(set)}`);
  return found;
}

function takeWanted(store: Store, set: RangeSet, holder: Holder, ip: Ip): Allocation | undefined {
  const range = rangeFor(set, ip);
  if (range === undefined) return undefined;
  if (compareIp(ip, range.gateway) === 0) {
    throw new AllocationError(`requested ip ${formatIp(ip)} is subnet's gateway`);
  }
  if (store.reserve(ip, holder)) return { ip, range };
  throw new AllocationError(`requested IP address ${formatIp(ip)} is not available in range set ${formatSet(set)}`);
}

function takeNext(store: Store, set: RangeSet, number: number, holder: Holder): Allocation | undefined {
  const stretches = inTurn(set, store.lastReserved(number));
  const take = (): Allocation | undefined => {
    for (const { range, from, to } of stretches) {
      for (let at: Ip | undefined = from; at !== undefined; ) {
        const ip = nextFree(store, range, at, to);
        if (ip === undefined) break;
        if (store.reserve(ip, holder)) return { ip, range };
        at = offsetIp(ip, 1); // someone has it, which the store knows by now
      }
    }
    return undefined;
  };
  return take() ?? (store.refreshIfOld() ? take() : undefined);
}

/** Whether the store knows of an address that the set could give out. */
export function hasFree(store: Store, set: RangeSet): boolean {
  return set.some((range) => nextFree(store, range, range.start, range.end) !== undefined);
}

interface Stretch {
  readonly range: Range;
  readonly from: Ip;
  readonly to: Ip;
}

/** The set from behind the last address that was given out, once round. */
function inTurn(set: RangeSet, last: Ip | undefined): readonly Stretch[] {
  const stretches: Stretch[] = [];
  const at = last === undefined ? -1 : indexFor(set, last);
  const current = set[at];
  if (last !== undefined && current !== undefined) {
    const next = offsetIp(last, 1);
    if (next !== undefined) stretches.push({ range: current, from: next, to: current.end });
  }
  // All others in their order; where none is the current one, all.
  for (let i = 1; i < set.length + (current === undefined ? 1 : 0); i++) {
    const range = set[(at + i) % set.length];
    if (range !== undefined) stretches.push({ range, from: range.start, to: range.end });
  }
  if (last !== undefined && current !== undefined) stretches.push({ range: current, from: current.start, to: last });
  return stretches;
}

function indexFor(set: RangeSet, ip: Ip): number {
  return set.findIndex((range) => rangeContains(range, ip));
}

/** The first address in the stretch that nobody has and that isn't the gateway. */
function nextFree(store: Store, range: Range, from: Ip, to: Ip): Ip | undefined {
  let ip = store.nextFree(from);
  if (ip !== undefined && compareIp(ip, range.gateway) === 0) {
    const next = offsetIp(ip, 1);
    ip = next === undefined ? undefined : store.nextFree(next);
  }
  return ip !== undefined && compareIp(ip, to) <= 0 ? ip : undefined;
}
