// DEL by what is there: addresses leave the tables by the kernel's state, where that differs from what the records say.

import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { idText } from "../../owned/id.ts";
import { type Fault, type PrivateTable, repairsOf } from "../../owned/table.ts";
import { sameBytes } from "../../wire/codec.ts";
import { FAMILIES, type Family, familyOf, type Ip } from "../../wire/ip.ts";
import {
  chainsLedTo,
  clearRouteIn,
  deleteElement,
  type KernelState,
  type OwnedAddress,
  readKernelState,
  requireSameOwner,
} from "./elements.ts";
import { giveBack, isWithDead, previousOwner, type Return } from "./give-back.ts";
import { Networks } from "./networks.ts";
import { apart } from "./policy-name.ts";
import type { DisplacedAddress } from "./records.ts";
import { OWNERS, POLICIES, STRICT } from "./table-names.ts";
import { hasOptions, unusedAfter } from "./unused.ts";

/** An attachment that a DEL or GC takes out, and the addresses that it is known to own. */
export interface Departure {
  readonly id: Uint8Array;
  readonly owned: readonly OwnedAddress[];
  readonly displaced: readonly DisplacedAddress[];
}

/** What has become of the addresses of departures. */
export interface Released {
  /** Addresses that have left the maps. */
  readonly left: readonly Ip[];
  /** Addresses that were not in the maps to begin with. */
  readonly absent: readonly Ip[];
}

/** The plan of one transaction. With `isGuarded` the transaction fails where an address has got another owner since. */
export class ExactRelease {
  readonly #nft: Nftables;
  readonly #departures: readonly Departure[];
  readonly #isGuarded: boolean;
  readonly #networks: Partial<Record<Family, Networks>> = {};
  /** How many verdicts that lead to each chain go. */
  readonly #going: Record<Family, Map<string, number>> = { 4: new Map(), 6: new Map() };
  readonly #deletions: Command[] = [];
  readonly #faults: Fault[] = [];
  readonly #returns: Command[] = [];
  readonly #left: Ip[] = [];
  readonly #absent: Ip[] = [];
  readonly #returned: Return[] = [];
  readonly #structure: Record<Family, readonly Command[]>;

  /** Reads the kernel's state of all the addresses. Throws NetlinkError or SyscallError. */
  constructor(nft: Nftables, departures: readonly Departure[], isGuarded: boolean) {
    this.#nft = nft;
    this.#departures = departures;
    this.#isGuarded = isGuarded;
    const ids = new Set(departures.map(({ id }) => idText(id)));
    for (const one of departures) for (const address of one.owned) this.#take(one, address, ids);
    for (const { address } of this.#returned) this.#going[familyOf(address.ip)].delete(address.chain);
    this.#structure = { 4: this.#unused(4), 6: this.#unused(6) };
  }

  commands(): Command[] {
    const structure = FAMILIES.flatMap((family) => this.#structure[family]);
    return [...this.#deletions, ...repairsOf(this.#faults), ...this.#returns, ...structure];
  }

  released(): Released {
    return { left: this.#left, absent: this.#absent };
  }

  returned(): readonly Return[] {
    return this.#returned;
  }

  /** Families in which chains go that may have had sets. */
  untidy(): Family[] {
    const owned = this.#departures.flatMap((one) => one.owned);
    return FAMILIES.filter(
      (family) =>
        this.#structure[family].length > 0 && owned.some((one) => familyOf(one.ip) === family && hasOptions(one)),
    );
  }

  #take({ id, displaced }: Departure, { ip, chain }: OwnedAddress, departing: ReadonlySet<string>): void {
    const family = familyOf(ip);
    // The chain may have become unused although the address itself has another owner by now.
    for (const name of [chain, apart(chain)]) this.#count(family, name, 0);
    const state = readKernelState(this.#nft, ip);
    if (state.id === undefined) {
      if (!hasElements(state)) return void this.#absent.push(ip);
    } else if (!sameBytes(state.id, id) && !isWithDead(idText(state.id), ip, displaced)) return;
    if (this.#isGuarded) this.#deletions.push(...requireSameOwner(ip, state));
    this.#deletions.push(...deletionOf(ip, state));
    for (const name of chainsLedTo(state)) this.#count(family, name, 1);
    const previous = previousOwner(ip, displaced, departing);
    if (previous === undefined || !this.#return(family, previous)) this.#left.push(ip);
  }

  #count(family: Family, chain: string, going: number): void {
    const counts = this.#going[family];
    counts.set(chain, (counts.get(chain) ?? 0) + going);
  }

  /** Plans the return of an address. Returns false where the address can't be given back. */
  #return(family: Family, { owner, address }: Return): boolean {
    const networks = this.#networks[family] ?? Networks.read(this.#nft, family);
    this.#networks[family] = networks;
    const back = { owner, address: { ...address, chain: networks.chainFor(address.chain) } };
    const given = giveBack(this.#nft, back, networks);
    if (given === undefined) return false;
    this.#faults.push(...given.faults);
    this.#returns.push(...given.commands);
    this.#returned.push(back);
    return true;
  }

  #unused(family: Family): Command[] {
    const deleteTable = (table: PrivateTable): Command[] => (this.#isGuarded ? table.removeEmpty() : table.remove());
    const isUsed = this.#returned.some(({ address }) => familyOf(address.ip) === family);
    return unusedAfter(this.#nft, family, this.#going[family], isUsed ? undefined : deleteTable, true);
  }
}

/** An address gets all its elements in one transaction: where `owners` alone lacks it, another program has deleted one. */
function hasElements({ verdict, isMember, exception }: KernelState): boolean {
  return verdict !== undefined || isMember || exception !== undefined;
}

function deletionOf(ip: Ip, state: KernelState): Command[] {
  const family = familyOf(ip);
  const maps = [
    ...(state.id === undefined ? [] : [OWNERS]),
    ...(state.verdict === undefined ? [] : [POLICIES]),
    ...(state.isStrict ? [STRICT] : []),
  ];
  return [...maps.flatMap((map) => deleteElement(family, map, ip)), ...clearRouteIn(ip, state)];
}
